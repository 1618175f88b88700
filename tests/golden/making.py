"""Writing the golden database of this release."""

from __future__ import annotations

import datetime
import json
import os
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

PEOPLE = ("ana", "bo", "cy", "dee")
DAY = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


def key(name: str) -> uuid.UUID:
    """The same key whenever it is made."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"golden/{name}")


def make(folder: Path) -> None:
    """Write a database, its secrets, its checkpoints and what it says into a folder.

    Args:
        folder: where; it is made.

    Raises:
        FileExistsError: it is there already.
    """
    folder.mkdir(parents=True)
    from django_jazzauth.keys.secret import WorkerSecret

    secret, other = WorkerSecret.generate(), WorkerSecret.generate()
    (folder / "worker.secret").write_text(secret.to_text() + "\n")
    (folder / "removed-worker.secret").write_text(other.to_text() + "\n")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.golden.settings"
    os.environ["JAZZAUTH_GOLDEN_FILE"] = str(folder / "golden.sqlite3")
    os.environ["JAZZAUTH_GOLDEN_SECRET"] = secret.to_text()
    django.setup()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_size = 1024")
    call_command("migrate", "golden", "0001", verbosity=0)
    call_command("migrate", "django_jazzauth", verbosity=0)
    _write_old()
    call_command("migrate", verbosity=0)
    _write(folder, other)
    _describe(folder)
    connection.close()


def _write_old() -> None:
    """Specimens of schema 1, by the model as it was."""
    from django.contrib.auth import get_user_model

    from django_jazzauth.sealed.projector import register_model

    users = [
        get_user_model().objects.create_user(
            name, f"{name}@example.org", "correct horse", id=key(name), name=f"{name.title()} Gold"
        )
        for name in PEOPLE
    ]
    state = MigrationExecutor(connection).loader.project_state(("golden", "0001_specimen"))
    old = state.apps.get_model("golden", "Specimen")
    register_model(old)
    for user in users:
        for number in range(3):
            made = old.objects.create(
                id=key(f"{user.username}-{number}"),
                code=f"{user.username}-{number}",
                name=f"Old Name{number}",
                grams=str(100 + number),
                email=f"{user.username}.{number}@Example.org",
                owner_id=user.pk,
            )
        made.name = "Renamed Once"
        made.save()
        if user.username == "dee":  # it ends under schema 1, and is read under schema 2
            made.delete()


def _write(folder: Path, other: Any) -> None:
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group

    from django_jazzauth.keys.card import Card
    from django_jazzauth.keys.rotation import rotate
    from django_jazzauth.keys.workers import add_worker, remove_worker
    from django_jazzauth.models import Account, Session, Verification
    from django_jazzauth.sealed.projector import register_model
    from django_jazzauth.store import store
    from django_jazzauth.store.acting import acting
    from django_jazzauth.store.checkpoints import take
    from django_jazzauth.store.compaction import compact
    from django_jazzauth.store.retire import retire
    from django_jazzauth.store.rewrap import rewrap
    from django_jazzauth.tokens.signing import sign

    from .app.models import Shelf, Specimen

    register_model(Specimen)
    users = {user.username: user for user in get_user_model().objects.all()}
    shelves = [Shelf.objects.create(label=f"shelf {number}") for number in range(3)]
    for name, user in users.items():
        Account.objects.create(
            id=key(f"account {name}"),
            user=user,
            provider_id="github",
            account_id=f"github-{name}",
            access_token="a-token",
        )
        Session.objects.create(
            id=key(f"session {name}"), user=user, expires_at=DAY, token=f"{name:x<32}"
        )
        Verification.objects.create(
            id=key(f"verification {name}"), identifier=name, value=name, expires_at=DAY, user=user
        )
    Verification.objects.create(
        id=key("verification"), identifier="nobody's", value="v", expires_at=DAY
    )
    users["ana"].groups.add(Group.objects.create(name="curators"))
    sign({"sub": "ana"})
    with acting(actor=str(key("ana")), via="command"):
        made = Specimen.objects.create(
            id=key("whole"),
            number="whole",
            first="First",
            last="Last",
            grams=7,
            notes="notes ü",
            extra={"a": [1, None, "x"]},
            found_on=datetime.date(2026, 1, 2),
            price=Decimal("12.30"),
            seen_at=DAY,
            lasting=datetime.timedelta(days=1, microseconds=3),
            factor=0.5,
            raw=b"\x00\xff",
            owner=users["ana"],
        )
    made.shelves.add(*shelves[:2])
    made.related.add(*Specimen.objects.filter(owner=users["ana"]).exclude(pk=made.pk))
    take()
    # A worker comes, the epoch is rotated, everything moves to it, and the first one closes.
    worker = add_worker("default", "second", Card.of(other))
    rotate("default")
    assert rewrap("default").left.total == 0
    retire("default", 1)
    store.restore(Specimen, key("dee-2"))
    # Bo's specimens end and are compacted; Cy is shredded.
    Specimen.objects.filter(owner=users["bo"]).delete()
    compact()
    store.shred(users["cy"])
    (folder / "checkpoint.txt").write_text(take().note)
    # The worker goes. Some heads and keys stand under the epoch before, others under the new one.
    remove_worker("default", worker)
    Specimen.objects.filter(owner=users["ana"]).update(notes="under the last epoch")
    users["dee"].delete()
    Specimen.objects.create(id=key("last"), number="last", owner=users["ana"])


def _describe(folder: Path) -> None:
    from django_jazzauth.store import store
    from django_jazzauth.store.registry import projectors

    from .described import described

    note = (folder / "checkpoint.txt").read_text()
    report = store.verify(checkpoints=[note])
    assert report.ok, report.problems
    found = described()
    assert all(found["rows"][projector.entity] for projector in projectors()), "a model has no row"
    text = json.dumps(found, indent=1, sort_keys=True)
    (folder / "expected.json").write_text(text + "\n")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode = DELETE")
        cursor.execute("VACUUM")
