"""``verify``: what it names."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from django_jazzauth.errors import StoreError, WrongWorkerSecret
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.store import problems as problems_module
from django_jazzauth.store import store, verify_parallel, verify_rows, verify_streams
from django_jazzauth.store.checkpoints import take
from django_jazzauth.store.models import Checkpoint, Event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few events are many pages."""
    monkeypatch.setattr(verify_streams, "PAGE", 3)
    monkeypatch.setattr(verify_streams.pages, "__defaults__", ("", None, 3))
    monkeypatch.setattr(verify_rows, "BATCH", 2)


def sql(statement: str, *params: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def codes(*notes: str) -> list[str]:
    return sorted({problem.code for problem in store.verify(checkpoints=notes).problems})


@pytest.fixture
def users() -> list[Any]:
    model = get_user_model()
    made = [model.objects.create(username=f"u{n}", email=f"u{n}@example.org") for n in range(5)]
    for user in made[:3]:
        for name in ("one", "two"):
            user.name = name
            user.save()
    made.append(model.objects.create(username="gone"))
    model.objects.get(username="gone").delete()
    return made


def test_all_is_well(users: list[Any]) -> None:
    report = store.verify(checkpoints=[take().note])
    assert report.problems == []
    assert (report.events, report.streams) == (13, 6)
    assert (report.covered, report.checkpoints) == (13, 1)


def test_progress_ends_with_all(users: list[Any]) -> None:
    seen: list[tuple[int, int]] = []
    store.verify(progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (13, 13)


def test_a_whole_entity_cut_off_needs_a_checkpoint(users: list[Any]) -> None:
    note = take().note
    sql("DELETE FROM jazzauth_event WHERE stream = %s", f"user/{users[0].pk}")
    key = get_user_model()._meta.pk.get_db_prep_value(users[0].pk, connection)
    sql("DELETE FROM jazzauth_user WHERE id = %s", key)
    report = store.verify()
    assert {p.code for p in report.problems} == {"EVENT_REMOVED"}
    assert len(report.problems) == 3
    sql("DELETE FROM jazzauth_checkpoint")
    assert codes() == []
    assert codes(note) == ["CHECKPOINT_AHEAD"]
    take()
    assert codes(note) == ["CHECKPOINT_AHEAD"]


def test_a_checkpoint_of_as_many_other_events(users: list[Any]) -> None:
    note = take().note
    sql("DELETE FROM jazzauth_checkpoint")
    sql("UPDATE jazzauth_event SET txid = txid + 1 WHERE version = 1")
    take()
    assert codes(note) == ["CHECKPOINT_DIFFERS", "TREE_DIFFERS"]
    assert codes() == []


def test_positions_and_transactions(users: list[Any]) -> None:
    take()
    first, second = Event.objects.order_by("position")[:2]
    sql("UPDATE jazzauth_event SET txid = txid + 1 WHERE position = %s", first.position)
    assert codes() == ["TREE_DIFFERS"]
    sql("UPDATE jazzauth_event SET txid = txid - 1 WHERE position = %s", first.position)
    sql("UPDATE jazzauth_event SET position = -7 WHERE position = %s", second.position)
    assert codes() == ["EVENT_INSERTED", "EVENT_REMOVED"]


def test_events_in_another_order(users: list[Any]) -> None:
    one, two = Event.objects.filter(stream=f"user/{users[0].pk}").order_by("version")[:2]
    for old, new in ((one.position, -1), (two.position, one.position), (-1, two.position)):
        sql("UPDATE jazzauth_event SET position = %s WHERE position = %s", new, old)
    assert codes() == ["POSITION_ORDER"]


def test_stored_checkpoints(users: list[Any]) -> None:
    take()
    users[0].name = "three"
    users[0].save()
    take()
    assert Checkpoint.objects.count() == 2
    sql("DELETE FROM jazzauth_checkpoint WHERE first = 0")
    assert codes() == ["CHECKPOINT_BROKEN"]


def test_a_checkpoint_of_somebody_else(users: list[Any]) -> None:
    take()
    assert codes("nonsense") == ["CHECKPOINT_REFUSED"]
    other = take().note.replace("localhost", "example")
    assert codes(other) == ["CHECKPOINT_REFUSED"]


def test_keys(users: list[Any]) -> None:
    key = sql(
        "UPDATE jazzauth_data_key SET wrapped = %s WHERE subject = %s",
        b"\x01" + bytes(60),
        f"user/{users[0].pk}",
    )
    assert key == 1
    keyring("default").forget()
    assert codes() == ["KEY_BROKEN"]
    sql("DELETE FROM jazzauth_data_key WHERE subject = %s", f"user/{users[0].pk}")
    keyring("default").forget()
    assert codes() == ["KEY_MISSING"]
    keyring("default").forget()


def test_a_key_that_somebody_else_destroyed(users: list[Any]) -> None:
    sql(
        "UPDATE jazzauth_data_key SET wrapped = NULL, subject = NULL, destroyed_at = created_at "
        "WHERE subject = %s",
        f"user/{users[0].pk}",
    )
    keyring("default").forget()
    assert codes() == ["LIVING_UNREADABLE", "TOMBSTONE_MISSING"]
    keyring("default").forget()


def test_a_payload_that_nothing_dropped(users: list[Any]) -> None:
    event = Event.objects.filter(stream=f"user/{users[0].pk}").order_by("version")[1]
    hashed = verify_streams.payload_hash(bytes(event.payload))
    sql(
        "UPDATE jazzauth_event SET payload = NULL, payload_hash = %s WHERE position = %s",
        hashed,
        event.position,
    )
    (problem,) = store.verify().problems
    assert (problem.code, problem.version) == ("PAYLOAD_MISSING", 2)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="a constraint is taken away")
def test_values_that_must_be_unique(users: list[Any]) -> None:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "jazzauth_user")
    for name, constraint in found.items():
        if constraint["unique"] and constraint["columns"] == ["username"]:
            sql("SET CONSTRAINTS ALL IMMEDIATE")
            sql(f"ALTER TABLE jazzauth_user DROP CONSTRAINT {name}")
    sql("UPDATE jazzauth_user SET username = (SELECT username FROM jazzauth_user LIMIT 1)")
    problems = [p for p in store.verify().problems if p.code == "NOT_UNIQUE"]
    assert {p.stream for p in problems} == {f"user/{user.pk}" for user in users[:5]}


def test_the_list_of_problems_is_bounded(users: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problems_module, "MAX_LISTED", 4)
    sql("UPDATE jazzauth_event SET recorded_at = recorded_at + 1")
    report = store.verify()
    assert len(report.problems) == 4
    assert report.unlisted > 4


def test_a_head_with_another_state(users: list[Any]) -> None:
    """What only a mistake of our own could write: right version and digest, other values."""
    from django_jazzauth.sealed.binding import require_binding
    from django_jazzauth.sealed.projection import select_head
    from django_jazzauth.store.sealing import Head, seal_head

    user = users[0]
    binding = require_binding(type(user))
    head = binding.open("default", user.pk, select_head(binding, "default", user.pk)).head
    state = {**head.state, "name": "forged"}
    other = Head(head.version, head.schema, head.digest, head.recorded_at, state)
    epoch = keyring("default").current().id
    blob = seal_head(keyring("default").head_cipher(epoch, "user"), epoch, f"user/{user.pk}", other)
    key = type(user)._meta.pk.get_db_prep_value(user.pk, connection)
    sql("UPDATE jazzauth_user SET head = %s WHERE id = %s", blob, key)
    assert codes() == ["HEAD_DIFFERS"]


@pytest.mark.django_db(transaction=True)
def test_writers_go_on_meanwhile(users: list[Any]) -> None:
    stop = threading.Event()
    failures: list[BaseException] = []

    def write() -> None:
        try:
            number = 0
            while not stop.is_set():
                number += 1
                user = users[number % 4]
                user.name = f"name {number}"
                user.save()
                get_user_model().objects.create(username=f"new{number}")
                get_user_model().objects.get(username=f"new{number}").delete()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        reports = [store.verify() for _ in range(5)]
    finally:
        stop.set()
        thread.join()
    assert not failures
    assert [report.problems for report in reports] == [[]] * 5


@pytest.mark.django_db(transaction=True)
def test_in_several_processes(users: list[Any]) -> None:
    note = take().note
    seen: list[int] = []
    report = store.verify(
        checkpoints=[note], processes=3, progress=lambda done, total: seen.append(done)
    )
    assert report.problems == []
    assert (report.events, report.streams, seen[-1]) == (13, 6, 13)
    sql("UPDATE jazzauth_event SET recorded_at = recorded_at + 1 WHERE version = 2")
    alone, shared = store.verify(), store.verify(processes=4)
    assert shared.problems != []
    assert sorted(map(str, shared.problems)) == sorted(map(str, alone.problems))
    with transaction.atomic(), pytest.raises(StoreError):
        store.verify(processes=2)


@pytest.mark.django_db(transaction=True)
def test_a_process_that_fails(users: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any) -> None:
        raise WrongWorkerSecret("w_0", "it was removed")

    monkeypatch.setattr(verify_parallel, "walk_streams", fails)
    with pytest.raises(WrongWorkerSecret):
        store.verify(processes=2)
    monkeypatch.setattr(verify_parallel, "walk_streams", lambda *arguments: os._exit(1))
    with pytest.raises(StoreError, match="died"):
        store.verify(processes=2)
