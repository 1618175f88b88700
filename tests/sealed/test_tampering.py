"""Every column of a hundred rows changed by SQL, in turn: refused on load, named by ``verify``."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from django_jazzauth.errors import JazzAuthError, SealBroken
from django_jazzauth.store import store
from django_jazzauth.store.models import Event
from tests.testapp.models import Patient, Tag, Ward

pytestmark = pytest.mark.django_db

ROWS = 100
COLUMNS = [field.name for field in Patient._meta.concrete_fields if not field.primary_key]


@pytest.fixture
def patients() -> list[Patient]:
    owners = [get_user_model().objects.create(username=f"owner{n}") for n in (1, 2)]
    wards = [Ward.objects.create(name=f"ward{n}") for n in (1, 2)]
    made = Patient.objects.bulk_create(
        Patient(
            record_no=f"r{n}",
            email=f"{n}@example.com",
            name=f"name {n}",
            notes="notes",
            extra={"n": n},
            born=datetime.date(1980, 1, 1),
            weight="61.50",
            visits=n,
            seen_at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
            owner=owners[n % 2],
            ward=wards[n % 2],
        )
        for n in range(ROWS)
    )
    made[0].tags.add(Tag.objects.create(label="t"))
    return made


def select(column: str) -> dict[Any, Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, {column} FROM testapp_patient")
        return {
            Patient._meta.pk.to_python(pk): bytes(value) if isinstance(value, memoryview) else value
            for pk, value in cursor.fetchall()
        }


def write(column: str, values: dict[Any, Any]) -> None:
    with connection.cursor() as cursor:
        for pk, value in values.items():
            cursor.execute(
                f"UPDATE testapp_patient SET {column} = %s WHERE id = %s",
                [value, Patient._meta.pk.get_db_prep_value(pk, connection)],
            )


def others(name: str, values: dict[Any, Any]) -> dict[Any, Any]:
    """Another value of the column's type for every row: where it can be, one of another row."""
    field = Patient._meta.get_field(name)
    keys = list(values)
    turned = dict(zip(keys, [values[key] for key in (*keys[1:], keys[0])], strict=True))
    if isinstance(field.target_field if field.remote_field else field, type(Patient._meta.pk)):
        pass
    different = {key: value for key, value in turned.items() if value != values[key]}
    if len(different) == ROWS:
        return different
    distinct = list(dict.fromkeys(values.values()))
    if len(distinct) > 1:
        return {key: next(d for d in distinct if d != values[key]) for key in keys}
    value = distinct[0]
    if isinstance(value, bool):
        return dict.fromkeys(keys, not value)
    if isinstance(value, int):
        return dict.fromkeys(keys, value + 1)
    return dict.fromkeys(keys, datetime.datetime(2025, 5, 5, 5, 5, 5))


def streams(problems: Any) -> set[str]:
    return {problem.stream for problem in problems if problem.stream.startswith("patient/")}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_changed_in_every_row(patients: list[Patient], name: str) -> None:
    column = Patient._meta.get_field(name).column
    before = select(column)
    changed = others(name, before)
    if Patient._meta.get_field(name).unique:
        write(column, {pk: value + b"x" for pk, value in before.items()})
    write(column, changed)
    for patient in patients:
        with pytest.raises(SealBroken) as caught:
            Patient.objects.get(pk=patient.pk)
        assert caught.value.stream == f"patient/{patient.pk}"
        with pytest.raises(SealBroken):
            list(Patient.objects.filter(pk=patient.pk))
    assert streams(store.verify().problems) == {f"patient/{p.pk}" for p in patients}
    if Patient._meta.get_field(name).unique:
        write(column, {pk: value + b"x" for pk, value in before.items()})
    write(column, before)
    assert store.verify().ok


def test_a_column_set_to_null_in_every_row(patients: list[Patient]) -> None:
    for name in COLUMNS:
        field = Patient._meta.get_field(name)
        if not field.null:
            continue
        before = select(field.column)
        write(field.column, dict.fromkeys(before))
        for patient in patients[:5]:
            with pytest.raises(SealBroken):
                Patient.objects.get(pk=patient.pk)
        assert streams(store.verify().problems) == {f"patient/{p.pk}" for p in patients}
        write(field.column, before)


def events() -> Iterator[Event]:
    yield from Event.objects.filter(stream__startswith="patient/", version=1)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("stream", "patient/" + str(uuid.UUID(int=1))),
        ("version", 7),
        ("type", "updated"),
        ("schema", 9),
        ("key_id", uuid.UUID(int=5)),
        ("recorded_at", 12345),
        ("recorded_at", -5),
        ("digest", b"\x00" * 32),
        ("payload", b"\x01" + b"\x00" * 40),
        ("payload", None),
        ("payload_hash", b"\x00" * 32),
    ],
)
def test_every_column_of_an_event(patients: list[Patient], column: str, value: Any) -> None:
    event = next(e for e in events() if e.stream == f"patient/{patients[0].pk}")
    field = Event._meta.get_field(column)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE jazzauth_event SET {column} = %s WHERE position = %s",
            [field.get_db_prep_value(value, connection), event.position],
        )
    named = streams(store.verify().problems)
    assert f"patient/{patients[0].pk}" in named
    assert len(named) <= 2
    if column not in ("stream", "digest", "payload_hash") and value is not None:
        with pytest.raises(JazzAuthError):
            store.history(patients[0])
    elif column == "payload":
        assert not store.history(patients[0])[0].readable


@pytest.mark.skipif(connection.vendor != "sqlite", reason="others have types")
def test_an_event_that_cannot_even_be_read(patients: list[Patient]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jazzauth_event SET key_id = 'garbage' WHERE version = 2")
    named = [p.stream for p in store.verify().problems if p.code == "EVENT_UNREADABLE"]
    assert named == [f"patient/{patients[0].pk}"]


def test_missing_events(patients: list[Patient]) -> None:
    one, two, three = patients[:3]
    for patient in (one, two):
        patient.name = "changed"
        patient.save()
        patient.name = "again"
        patient.save()
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM jazzauth_event WHERE stream = %s AND version = 2", [f"patient/{one.pk}"]
        )
        cursor.execute(
            "DELETE FROM jazzauth_event WHERE stream = %s AND version = 3", [f"patient/{two.pk}"]
        )
        cursor.execute("DELETE FROM jazzauth_event WHERE stream = %s", [f"patient/{three.pk}"])
    codes = {(p.stream.partition("/")[2], p.code) for p in store.verify().problems}
    assert (str(one.pk), "EVENT_MISSING") in codes
    assert (str(two.pk), "HEAD_STALE") in codes
    assert (str(three.pk), "ROW_WITHOUT_LOG") in codes
    three.name = "x"
    with pytest.raises(SealBroken):
        three.save()


def test_a_row_that_is_missing_and_one_too_many(patients: list[Patient]) -> None:
    with connection.cursor() as cursor:
        key = Patient._meta.pk.get_db_prep_value(patients[5].pk, connection)
        cursor.execute("DELETE FROM testapp_patient WHERE id = %s", [key])
    assert [p.code for p in store.verify().problems] == ["ROW_MISSING"]
    store.rebuild()
    assert store.verify().ok
    assert Patient.objects.get(pk=patients[5].pk).record_no == "r5"


def test_a_tampered_event_stops_a_rebuild(patients: list[Patient]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jazzauth_event SET recorded_at = 5 WHERE stream = %s",
            [f"patient/{patients[3].pk}"],
        )
    from django.db import transaction

    with pytest.raises(SealBroken), transaction.atomic():
        store.rebuild()
    assert Patient.objects.count() == ROWS


def test_a_tampered_row_can_be_deleted(patients: list[Patient]) -> None:
    victim = patients[1]
    write("head", {victim.pk: b"\x01" + bytes(80)})
    with pytest.raises(SealBroken):
        Patient.objects.get(pk=victim.pk)
    Patient(pk=victim.pk).delete()
    assert store.history(Patient, pk=victim.pk)[-1].type == "deleted"
    assert store.verify().ok
