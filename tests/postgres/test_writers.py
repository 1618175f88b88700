"""Writers of different entities never wait for each other, and who follows the log misses none."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from django.db import connections

from django_jazzauth.models import Session, User
from django_jazzauth.store import store
from django_jazzauth.store.partitions import partition_log
from django_jazzauth.store.relay.tail import Place, Tail
from tests.testapp.models import Patient

from .conftest import ON_SERVERS
from .threads import Writer, in_threads

pytestmark = [ON_SERVERS, pytest.mark.usefixtures("cluster")]

PRIMARY = "primary"


def _rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def _write_everything(tag: str, user: User) -> None:
    """Every kind of write to entities that only this writer has."""
    patient = Patient.objects.using(PRIMARY).create(
        record_no=tag, name="new"
    )  # a data key of its own, too
    patient.notes = "changed"
    patient.save()
    Patient.objects.using(PRIMARY).filter(pk=patient.pk).update(visits=3)
    Patient.objects.using(PRIMARY).bulk_create([Patient(record_no=f"{tag}-{n}") for n in range(3)])
    Patient.objects.using(PRIMARY).filter(record_no=f"{tag}-1").delete()
    user.name = tag
    user.save()
    Session.objects.using(PRIMARY).create(
        token=f"token-{tag}", user=user, expires_at=user.date_joined
    )
    User.objects.using(PRIMARY).create(username=tag, email=f"{tag}@example.org")


def test_two_open_transactions_append_without_waiting() -> None:
    users = [User.objects.using(PRIMARY).create(username=name) for name in ("ada", "bob")]
    with Writer(PRIMARY) as one, Writer(PRIMARY) as other:
        # The second writes while all that the first wrote is uncommitted; then the first again.
        one.do(lambda: _write_everything("one", users[0]))
        other.do(lambda: _write_everything("other", users[1]))
        one.do(lambda: Patient.objects.using(PRIMARY).create(record_no="one more"))
        assert _rows("SELECT pg_blocking_pids(%s), pg_blocking_pids(%s)", one.pid, other.pid) == [
            ([], [])
        ]
        # What both hold are locks that do not exclude each other: no exclusive one on anything
        # that both name.
        held = _rows(
            "SELECT locktype, coalesce(relation::regclass::text, ''), mode, array_agg(pid) "
            "FROM pg_locks WHERE pid = ANY(%s) AND granted AND locktype NOT IN "
            "('virtualxid', 'transactionid') GROUP BY 1, 2, 3 HAVING count(DISTINCT pid) = 2",
            [one.pid, other.pid],
        )
        assert {mode for _, _, mode, _ in held} <= {
            "AccessShareLock",
            "RowExclusiveLock",
            "RowShareLock",
        }
        assert {kind for kind, *_ in held} == {"relation"}
        other.commit()
        one.commit()
    report = store.verify(using=PRIMARY)
    assert report.ok, report.problems
    assert Patient.objects.using(PRIMARY).count() == 7


def _read(tail: Tail) -> list[str]:
    """The streams of the next events, in the order in which they are passed on."""
    events, place = tail.read(1000)
    tail.reached(place)
    return [event.stream for event in events]


@pytest.mark.parametrize("partitions", [0, 3])
def test_who_follows_the_log_does_not_skip_what_commits_late(
    partitions: int, whole_again: None
) -> None:
    before = Patient.objects.using(PRIMARY).create(record_no="before")
    if partitions:
        partition_log(PRIMARY, partitions)
    tail = Tail(PRIMARY, Place())
    assert _read(tail) == [f"patient/{before.pk}"]
    with Writer(PRIMARY) as early, Writer(PRIMARY) as late:
        # The lower position commits after the higher one.
        low = early.do(lambda: Patient.objects.using(PRIMARY).create(record_no="low").pk)
        high = late.do(lambda: Patient.objects.using(PRIMARY).create(record_no="high").pk)
        late.commit()
        assert _read(tail) == [f"patient/{high}"]
        assert _read(tail) == []
        early.commit()
    places = dict(_rows("SELECT stream, position FROM jazzauth_event"))
    assert places[f"patient/{low}"] < places[f"patient/{high}"]
    assert _read(tail) == [f"patient/{low}"]
    assert tail.place.gaps == []


def test_a_follower_gets_every_event_once_while_sixteen_write() -> None:
    Patient.objects.using(PRIMARY).create(record_no="first")
    followed: list[tuple[str, int]] = []
    waits: Counter[str] = Counter()
    done = threading.Event()

    def follow() -> None:
        tail = Tail(PRIMARY, Place())
        try:
            while True:
                last = done.is_set()
                events, place = tail.read(50)
                tail.reached(place)
                followed.extend((event.stream, event.version) for event in events)
                waits.update(
                    event
                    for (event,) in _rows(
                        "SELECT wait_event FROM pg_stat_activity "
                        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    )
                )
                if last and not events:
                    return
        finally:
            connections[PRIMARY].close()

    def write(number: int) -> None:
        for turn in range(6):
            patient = Patient.objects.using(PRIMARY).create(record_no=f"{number}.{turn}")
            patient.name = "saved"
            patient.save()

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        assert in_threads(PRIMARY, write, 16) == []
    finally:
        done.set()
        follower.join()
    stored = _rows("SELECT stream, version FROM jazzauth_event")
    assert len(stored) == 1 + 16 * 6 * 2
    assert sorted(followed) == sorted(stored)
    versions: dict[str, list[int]] = {}
    for stream, version in followed:
        versions.setdefault(stream, []).append(version)
    assert all(given in ([1], [1, 2]) for given in versions.values())
    # A table's file grows by one at a time ("extend"); nobody waits for another's transaction.
    assert waits.keys() <= {"extend"}
    assert store.verify(using=PRIMARY).ok
