"""One of several processes that race for the same keys: ``python -m tests.keys.race_child``.

Reads from standard input one JSON line ``{"database": …, "jazzauth": …, "subjects": […],
"tables": bool}``, says ``ready``, waits for another line, and prints what keys it got.
"""

import json
import sys

import django
from django.conf import settings


def main():
    task = json.loads(sys.stdin.readline())
    if task["database"]["ENGINE"].endswith("mysql"):
        import pymysql

        pymysql.install_as_MySQLdb()
    settings.configure(
        DATABASES={"default": task["database"]},
        JAZZAUTH=task["jazzauth"],
        USE_TZ=True,
        SECRET_KEY="of a test",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()
    # Models can only be imported once the settings stand.
    from django.db import connection, transaction

    from django_jazzauth.keys import models
    from django_jazzauth.keys.keyring import keyring

    if task["tables"]:
        with connection.schema_editor() as editor:
            for name in ("Worker", "Epoch", "Grant", "IndexColumn", "IndexRoot", "DataKey"):
                editor.create_model(getattr(models, name))
    connection.ensure_connection()
    print("ready", flush=True)
    sys.stdin.readline()

    ring, subjects, ids = keyring("default"), task["subjects"], {}
    epoch = ring.current()
    for number, subject in enumerate(subjects):
        ids[subject] = ring.data_key(subject, fresh=number % 2 == 0).id.hex()
    with transaction.atomic():
        bulk = ring.data_keys([subject + "/bulk" for subject in subjects], fresh=True)
    ids |= {subject: handle.id.hex() for subject, handle in bulk.items()}
    column = ring.index_cipher("user", "email").seal(b"ada").hex()
    print(json.dumps({"epoch": epoch.id.hex(), "ids": ids, "column": column}), flush=True)


if __name__ == "__main__":
    main()
