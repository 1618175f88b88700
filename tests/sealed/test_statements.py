"""How many statements and events a write takes: what must not creep up unnoticed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model, login
from django.db import connection, models, transaction
from django.db.models.signals import post_delete
from django.http import HttpRequest
from django.test.utils import CaptureQueriesContext

from django_jazzauth.models import Session
from django_jazzauth.sessions import SessionStore
from django_jazzauth.store import store
from django_jazzauth.store.models import Event
from tests.testapp.models import Patient, Tag, Ward

User: Any = get_user_model()
ROWS = 40

pytestmark = pytest.mark.django_db


@contextmanager
def writes(statements: int, events: int) -> Iterator[None]:
    """Expect so many statements (transactions and locks aside) and so many new events."""
    ran: list[str] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(("BEGIN", "SAVEPOINT", "RELEASE")) and not _takes_a_lock(sql):
            ran.append(sql)
        return execute(sql, params, many, context)

    before = Event.objects.count()
    with connection.execute_wrapper(note):
        yield
    assert len(ran) == statements, "\n".join(ran)
    assert Event.objects.count() == before + events


def _takes_a_lock(sql: str) -> bool:
    return sql.endswith(("WHERE 0", "FOR UPDATE", "FOR NO KEY UPDATE"))


def steps(count: int) -> int:
    """Statements that are one on PostgreSQL, which can append an event and write its row in one."""
    return 1 if connection.vendor == "postgresql" else count


def patient(**values: Any) -> Patient:
    return Patient(record_no=uuid.uuid4().hex[:12], **values)


def test_create_takes_a_key_an_event_and_a_row() -> None:
    Patient.objects.create(record_no="first")  # makes the epoch
    with writes(steps(3), 1):
        patient().save()


def test_save_takes_an_event_and_a_row() -> None:
    one = Patient.objects.create(record_no="one", name="a")
    one.name = "b"
    with writes(steps(2), 1):
        one.save()
    with writes(1, 0):  # nothing changed: only whether the row is still as it was
        one.save()


def test_update_of_many_rows_takes_as_many_as_of_one() -> None:
    Patient.objects.bulk_create([patient(name="a") for _ in range(ROWS)])
    with writes(3, ROWS):  # the heads, the events, the rows
        assert Patient.objects.update(name="b", email="ward@example.com") == ROWS
    assert {p.name for p in Patient.objects.all()} == {"b"}
    assert store.verify().ok


def test_a_batch_with_different_columns_is_one_statement_for_the_driver() -> None:
    Patient.objects.bulk_create([patient(visits=n) for n in range(ROWS)])
    rows = list(Patient.objects.all())
    for row in rows:
        row.visits += 1
        row.record_no = row.record_no[::-1]
    with writes(3, ROWS):
        assert Patient.objects.bulk_update(rows, ["visits", "record_no"]) == ROWS
    assert sorted(p.visits for p in Patient.objects.all()) == list(range(1, ROWS + 1))
    assert store.verify().ok


def test_bulk_create_takes_three() -> None:
    Patient.objects.create(record_no="first")
    with writes(3, ROWS):
        Patient.objects.bulk_create([patient(name=str(n)) for n in range(ROWS)])


def test_rows_deleted_together_end_in_one_batch() -> None:
    Ward.objects.bulk_create([Ward(name=f"ward {n}") for n in range(ROWS)])
    keys = [ward.pk for ward in Ward.objects.all()]
    with writes(4, ROWS):  # the wards, what points at them, the rows, the events
        Ward.objects.all().delete()
    for key in keys:
        assert [event.type for event in store.history(Ward, pk=key)] == ["created", "deleted"]
    assert store.verify().ok


def test_members_go_with_their_entity_unasked() -> None:
    tag = Tag.objects.create(label="a")
    gone, kept = Patient.objects.create(record_no="gone"), Patient.objects.create(record_no="kept")
    gone.tags.add(tag)
    kept.tags.add(tag)
    before = Event.objects.count()
    # Nothing asks whose members they were.
    with CaptureQueriesContext(connection) as queries:
        gone.delete()
    through = Patient.tags.through._meta.db_table
    ran = [q["sql"].split("EXISTS")[0].split()[0] for q in queries if through in q["sql"]]
    assert ran == ["SELECT", "DELETE"]  # the SELECT looks whether anything at all goes with them
    assert Event.objects.count() == before + 1
    assert kept.sealed_m2m("tags") == [tag.pk]
    assert list(tag.patient_set.all()) == [kept]
    assert store.verify().ok


def test_a_deletion_within_a_deletion() -> None:
    outer = [Ward.objects.create(name=f"outer {n}") for n in range(3)]
    inner = [Ward.objects.create(name=f"inner {n}") for n in range(3)]

    def delete_another(sender: Any, instance: Ward, **kwargs: Any) -> None:
        if instance.name.startswith("outer"):
            Ward.objects.filter(name=instance.name.replace("outer", "inner")).delete()

    for signal in (models.signals.pre_delete, post_delete):
        with connected(signal, delete_another):
            Ward.objects.filter(pk__in=[outer[0].pk, outer[1].pk]).delete()
        assert not Ward.objects.filter(pk__in=[outer[0].pk, inner[0].pk, inner[1].pk]).exists()
        for ward in (outer[0], outer[1], inner[0], inner[1]):
            assert [e.type for e in store.history(Ward, pk=ward.pk)][-1] == "deleted"
        assert store.verify().ok
        for ward in (outer[0], outer[1], inner[0], inner[1]):
            store.restore(Ward, ward.pk)


@contextmanager
def connected(signal: Any, handler: Callable[..., None]) -> Iterator[None]:
    signal.connect(handler, sender=Ward)
    try:
        yield
    finally:
        signal.disconnect(handler, sender=Ward)


def test_a_deletion_that_fails_leaves_nothing_behind() -> None:
    wards = [Ward.objects.create(name=f"ward {n}") for n in range(3)]

    def fail(sender: Any, instance: Ward, **kwargs: Any) -> None:
        if instance.pk == wards[1].pk:
            raise RuntimeError

    with (
        connected(models.signals.pre_delete, fail),
        pytest.raises(RuntimeError),
        transaction.atomic(),
    ):
        Ward.objects.all().delete()
    with writes(4, 3):
        Ward.objects.all().delete()


def test_a_sign_in_takes_two_events() -> None:
    user = User.objects.create_user("someone", "someone@example.com", "x")
    request = HttpRequest()
    request.session = SessionStore()
    # Of each an event and a row: the user's last sign-in, the session.
    with writes(2 * steps(2), 2):
        login(request, user, backend="django_jazzauth.backends.EventStoreBackend")
        request.session.save()
    assert Session.objects.get(token=request.session.session_key).user_id == user.pk
    assert store.verify().ok
