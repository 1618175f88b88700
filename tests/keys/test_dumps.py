"""Real dumps and real secrets: what rotation and shredding close, and what they do not."""

from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from django_jazzauth.errors import WrongWorkerSecret
from django_jazzauth.keys.card import Card
from django_jazzauth.keys.keyring import Keyring
from django_jazzauth.keys.rotation import rotate
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.source import worker_secret
from django_jazzauth.keys.workers import add_worker, remove_worker
from django_jazzauth.store import store
from django_jazzauth.store.retire import retire
from django_jazzauth.store.rewrap import rewrap
from tests.testapp.models import Patient

from .dump import rob, take

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor == 'mysql'", reason="reads SQLite and PostgreSQL"),
]
CANARY = "canary.ana@example.org"


def person(name="ana", email=CANARY):
    user = get_user_model().objects.create_user(name, email, "pw", name="Canary Ana")
    Patient.objects.create(record_no=name, owner=user, notes="canary notes")
    return user


def test_a_dump_closes_to_a_removed_worker_once_its_epoch_is_retired(tmp_path: Path, start_as):
    assert connection.vendor in ("sqlite", "postgresql")
    person()
    gone = WorkerSecret.generate()
    add_worker("default", "gone", Card.of(gone))
    before = rob(take(tmp_path, "before"), gone)
    assert CANARY in before.text() and "canary notes" in before.text()

    remove_worker("default", "gone")
    person("bea", "canary.bea@example.org")
    removed = rob(take(tmp_path, "removed"), gone)
    # Not closed yet: the old epoch and all that stands under it. What is new is closed at once.
    assert CANARY in removed.text()
    assert "canary.bea" not in repr((removed.states, removed.heads))

    assert rewrap().left.total == 0
    rewrapped = rob(take(tmp_path, "rewrapped"), gone)
    assert not rewrapped.heads and not rewrapped.states and not rewrapped.data_keys
    assert rewrapped.epochs  # a grant is still there

    retire("default", 1)
    dump = take(tmp_path, "retired")
    assert rob(dump, gone).nothing
    own = rob(dump, worker_secret())
    assert CANARY in own.text() and "canary.bea" in own.text()
    assert CANARY.encode() in repr(own.columns).encode()

    # The same through the front door.
    start_as(gone)
    with pytest.raises(WrongWorkerSecret):
        Keyring("default").current()


def test_who_kept_an_older_dump_too_keeps_the_data_keys_in_it(tmp_path: Path):
    """The limit that docs/security.md names: re-wrapping does not change data keys."""
    user = person()
    gone = WorkerSecret.generate()
    add_worker("default", "gone", Card.of(gone))
    before = rob(take(tmp_path, "before"), gone)
    remove_worker("default", "gone")
    rewrap()
    retire("default", 1)
    user.name = "Written Later"
    user.save()
    later = person("bea", "canary.bea@example.org")
    dump = take(tmp_path, "after")
    both = rob(dump, gone, before)
    assert "Written Later" in repr(both.states)  # of a person who was there before
    assert not both.heads and str(later.email) not in both.text()
    assert rob(dump, gone).nothing


def test_an_older_dump_of_somebody_who_was_shredded(tmp_path: Path):
    user, other = person(), person("bea", "bea@example.org")
    old = take(tmp_path, "old")
    assert CANARY in rob(old, worker_secret()).text()
    store.shred(user)
    new = take(tmp_path, "new")
    assert CANARY not in rob(new, worker_secret()).text()
    assert str(other.email) in rob(new, worker_secret()).text()

    # The older log and rows, with the keys as they are now.
    keys = ("data_key", "epoch", "grant", "index_root")
    joined = {**old, **{name: new[name] for name in new if name.endswith(keys)}}
    found = rob(joined, worker_secret())
    assert CANARY not in repr(found.states) and "canary notes" in repr(found.states)  # of Bea
    # The rows of that copy open as long as their epoch does.
    assert CANARY in repr(found.heads)

    rotate("default")
    rewrap()
    retire("default", 1)
    new = take(tmp_path, "retired")
    joined.update({name: new[name] for name in new if name.endswith(keys)})
    found = rob(joined, worker_secret())
    assert CANARY not in repr(found.states) and not found.heads
    # Searchable columns of that copy open as long as their generation of index keys is in use.
    assert CANARY in repr(found.columns)
