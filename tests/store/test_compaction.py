"""Retention: what is dropped, what stays, and that nobody else can pass for it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.db import connection
from django.utils import timezone

from django_jazzauth.errors import ImproperSettings, NeverExisted, PayloadCompacted
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.models import DataKey
from django_jazzauth.models import Session
from django_jazzauth.store import compaction, store
from django_jazzauth.store.checkpoints import take
from django_jazzauth.store.models import Event

from .forging import forge

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def retention(settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RETENTION": {"session": 0}}


def sql(statement: str, *params: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def session(**values: Any) -> Session:

    made: Session = Session.objects.create(expires_at=timezone.now(), **values)
    return made


def ended(count: int) -> list[Any]:
    keys = []
    for _ in range(count):
        made = session(data="x" * 50)
        made.data = "y"
        made.save()
        keys.append(made.pk)
        made.delete()
    return keys


def test_payloads_go_and_the_chain_holds() -> None:
    living = session()
    user = get_user_model().objects.create(username="gone")
    user_key = user.pk
    user.delete()  # no retention
    keys = ended(3)
    note = take().note
    done = store.compact()
    assert (done["session"].streams, done["session"].events) == (3, 9)
    assert done["session"].bytes > 9 * 29
    report = store.verify(checkpoints=[note, take().note])
    assert report.problems == []
    assert not Event.objects.filter(stream=f"session/{keys[0]}", version__lte=3).exclude(
        payload=None
    )
    assert store.history(Session, pk=living.pk)[0].readable
    assert store.history(get_user_model(), pk=user_key)[0].readable
    again = store.compact()["session"]
    assert (again.streams, again.events) == (0, 0)


def test_what_the_readers_say() -> None:
    (key,) = ended(1)
    created = store.history(Session, pk=key)[0].recorded_at
    store.compact()
    events = store.history(Session, pk=key)
    assert [event.type for event in events] == ["created", "updated", "deleted", "compacted"]
    assert [event.compacted for event in events] == [True, True, True, False]
    assert [event.readable for event in events] == [False, False, False, True]
    with pytest.raises(PayloadCompacted):
        store.as_of(Session, created, pk=key)
    with pytest.raises(NeverExisted):
        store.as_of(Session, events[-1].recorded_at, pk=key)
    with pytest.raises(PayloadCompacted):
        store.restore(Session, key)


def test_a_rebuild_does_not_bring_it_back() -> None:
    (key,) = ended(1)
    living = session()
    store.compact()
    store.rebuild()
    assert list(Session.objects.values_list("pk", flat=True)) == [living.pk]
    assert not Session.objects.filter(pk=key).exists()
    assert store.verify().ok


def test_its_key_can_be_used_again() -> None:
    (key,) = ended(1)
    store.compact()
    made = session(id=key)
    assert [e.type for e in store.history(made)][-2:] == ["compacted", "created"]
    assert store.verify().ok
    made.delete()
    assert store.compact()["session"].events == 3  # the mark of the first time as well
    assert store.verify().ok


def test_not_before_its_time(settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RETENTION": {"session": 3600}}
    ended(1)
    assert store.compact()["session"].events == 0
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RETENTION": {}}
    assert store.compact() == {}


def test_who_is_not_dead_any_more() -> None:
    (key,) = ended(1)
    # The same key, used again: its stream goes on.
    Session.objects.create(id=key, expires_at=timezone.now() + datetime.timedelta(days=1))
    assert store.compact()["session"].streams == 0
    assert store.history(Session, pk=key)[0].readable


def test_a_dry_run_changes_nothing() -> None:
    (key,) = ended(1)
    done = store.compact(dry_run=True)["session"]
    assert (done.streams, done.events) == (1, 3)
    assert all(event.readable for event in store.history(Session, pk=key))


def test_an_unknown_entity(settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RETENTION": {"sesion": 1}}
    with pytest.raises(ImproperSettings, match="sesion"):
        store.compact()
    (found,) = [one for one in run_checks() if one.id == "jazzauth.E007"]
    assert "'sesion'" in found.msg
    assert "session" in found.msg


def test_in_many_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "BATCH", 2)
    monkeypatch.setattr(compaction, "_PAGE", 4)
    ended(7)
    seen: list[tuple[str, int, int]] = []
    done = store.compact(progress=lambda *each: seen.append(each))
    assert (done["session"].streams, done["session"].events) == (7, 21)
    assert seen[-1][1] == seen[-1][2]
    assert store.verify().ok


def test_killed_between_two_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "BATCH", 1)
    ended(3)
    drop, calls = compaction._drop, []

    def dies(using: str, payloads: Any) -> None:
        calls.append(payloads)
        if len(calls) == 2:
            raise KeyboardInterrupt
        drop(using, payloads)

    monkeypatch.setattr(compaction, "_drop", dies)
    with pytest.raises(KeyboardInterrupt):
        store.compact()
    assert store.verify().ok
    monkeypatch.setattr(compaction, "_drop", drop)
    assert store.compact()["session"].streams == 2
    assert store.verify().ok


def test_nobody_else_passes_for_it() -> None:
    """A database administrator can drop payloads too, but cannot say that it was due."""
    (key,) = ended(1)
    stream = f"session/{key}"
    hashes = {
        event.version: compaction.payload_hash(bytes(event.payload))
        for event in Event.objects.filter(stream=stream)
    }
    for version, hashed in hashes.items():
        sql(
            "UPDATE jazzauth_event SET payload = NULL, payload_hash = %s "
            "WHERE stream = %s AND version = %s",
            hashed,
            stream,
            version,
        )
    assert [p.code for p in store.verify().problems] == ["PAYLOAD_MISSING"]


def test_the_mark_itself_cannot_be_dropped() -> None:
    (key,) = ended(1)
    store.compact()
    mark = Event.objects.get(type="compacted")
    sql(
        "UPDATE jazzauth_event SET payload = NULL, payload_hash = %s WHERE position = %s",
        compaction.payload_hash(bytes(mark.payload)),
        mark.position,
    )
    (problem,) = store.verify().problems
    assert (problem.code, problem.stream) == ("PAYLOAD_MISSING", f"session/{key}")


def payloads(stream: str) -> int:
    return Event.objects.filter(stream=stream).exclude(payload=None).count()


def test_a_deletion_that_somebody_else_wrote_drops_nothing() -> None:
    made = session()
    stream, (key,) = f"session/{made.pk}", ended(1)
    event = Event.objects.get(stream=stream)
    forge(stream, "deleted", DataKey.objects.get(pk=event.key_id))
    for dry_run in (True, False):
        done = store.compact(dry_run=dry_run)["session"]
        assert (done.streams, done.events) == (1, 3)
        assert done.refused == {stream: "SEAL_BROKEN"}
    assert payloads(stream) == 2
    assert payloads(f"session/{key}") == 1  # the mark
    assert [(p.code, p.stream) for p in store.verify().problems if p.version] == [
        ("SEAL_BROKEN", stream)
    ]


def test_a_past_that_somebody_changed_is_kept() -> None:
    (key,) = ended(1)
    stream = f"session/{key}"
    sql("UPDATE jazzauth_event SET schema = 7 WHERE stream = %s AND version = 1", stream)
    done = store.compact()["session"]
    assert (done.events, done.refused) == (0, {stream: "CHAIN_BROKEN"})
    assert payloads(stream) == 3


def test_a_deletion_under_a_key_that_nobody_can_check(settings: Any) -> None:
    """Somebody else's destroyed key: nothing that it is said to seal can be opened."""
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RETENTION": {"user": 0}}
    users = get_user_model().objects
    user, gone = users.create(username="ada"), users.create(username="eve")
    key = DataKey.objects.get(subject=f"user/{gone.pk}")
    store.shred(gone)
    stream = f"user/{user.pk}"
    forge(stream, "deleted", key)
    keyring("default").forget()
    assert store.compact()["user"].refused == {stream: "AFTER_DESTRUCTION"}
    assert payloads(stream) == 2


def test_what_was_shredded_goes_too(settings: Any) -> None:
    """Nothing in it opens any more, so nothing is lost."""
    user = get_user_model().objects.create(username="ada")
    made = session(user=user)
    store.shred(user)
    keyring("default").forget()
    assert store.compact()["session"].streams == 1
    assert payloads(f"session/{made.pk}") == 1
    assert store.verify().ok


def test_a_key_that_was_emptied_by_sql_keeps_what_it_sealed() -> None:
    """With the key from a backup it opens again."""
    (key,) = ended(1)
    stream = f"session/{key}"
    DataKey.objects.filter(subject=stream).update(
        wrapped=None, subject=None, destroyed_at=timezone.now()
    )
    keyring("default").forget()
    assert store.compact()["session"].refused == {stream: "TOMBSTONE_MISSING"}
    assert payloads(stream) == 3
