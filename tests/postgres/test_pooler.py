"""PgBouncer between, in transaction mode: each transaction on whatever connection is free."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from django_jazzauth.keys.keyring import keyring
from django_jazzauth.store import store
from tests.testapp.models import Patient

from .server import as_postgres, free_port
from .threads import in_threads

BINARY = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
POOLER = "pooler"

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", POOLER]),
    pytest.mark.skipif(BINARY is None, reason="needs pgbouncer"),
]

_CONFIGURATION = """
[databases]
* = host={HOST} port={PORT} user={USER}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
"""


@pytest.fixture(scope="module", autouse=True)
def _pooler(django_db_setup: None) -> Iterator[None]:
    own = connections["default"].settings_dict
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="jazzauth-pooler-") as folder:
        file = Path(folder) / "pgbouncer.ini"
        file.write_text(_CONFIGURATION.format(port=port, **own | {"PORT": own["PORT"] or 5432}))
        os.chmod(folder, 0o755)
        process = subprocess.Popen(
            as_postgres([str(BINARY), "--quiet", str(file)]), stderr=subprocess.DEVNULL
        )
        try:
            _wait_for(port)
            # As the how-to says for a pooler that keeps no prepared statements.
            through = {
                "PORT": str(port),
                "DISABLE_SERVER_SIDE_CURSORS": True,
                "OPTIONS": {},
                "TEST": {"MIRROR": "default"},
            }
            known = connections.configure_settings({"default": {}, POOLER: own | through})
            connections.databases[POOLER] = known[POOLER]
            yield
        finally:
            if POOLER in connections.databases:
                connections[POOLER].close()
                del connections[POOLER]
                del connections.databases[POOLER]
            process.terminate()
            process.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


@pytest.fixture(autouse=True)
def _closed(transactional_db: None) -> Iterator[None]:
    keyring(POOLER).forget()  # the flush before told the other alias only
    yield
    connections[POOLER].close()


def test_six_clients_take_turns_on_two_connections(settings: Any) -> None:
    Patient.objects.using(POOLER).create(record_no="first")

    def work(number: int) -> None:
        for turn in range(8):
            made = Patient.objects.using(POOLER).create(record_no=f"{number}.{turn}")
            made.name = "saved"
            made.save()
            assert Patient.objects.using(POOLER).get(pk=made.pk).name == "saved"
            Patient.objects.using(POOLER).filter(pk=made.pk).update(visits=turn)

    assert in_threads(POOLER, work, 6) == []
    assert Patient.objects.count() == 49
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0] <= 2
    report = store.verify(using=POOLER)
    assert report.ok, report.problems
