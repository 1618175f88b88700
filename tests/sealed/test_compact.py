"""What is remembered of rows takes few bytes, and stands for nothing but those rows."""

from __future__ import annotations

import sys
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from django_jazzauth.sealed import compact
from django_jazzauth.sealed.load import load_row
from django_jazzauth.sealed.memo import memo
from django_jazzauth.sealed.read_plan import read_plan
from django_jazzauth.sealed.snapshot import snapshot_of
from tests.testapp.models import Patient

ROWS = [
    ("a", 1, None, b"head", 2.5),
    ("a", 1, None, b"head", "2.5"),
    ("a", 1, b"", b"head", 2.5),
    ("a", "1", None, b"head", 2.5),
    (b"a", 1, None, b"head", 2.5),
]


def test_rows_that_differ_have_other_bytes() -> None:
    assert len({compact.packed(row, 3) for row in ROWS}) == len(ROWS)


def test_the_head_is_not_among_them() -> None:
    assert compact.packed((1, b"one", 2), 1) == compact.packed((1, b"other", 2), 1)
    assert compact.packed((1, 2, b"one"), 2) == compact.packed([1, 2, b"other"], 2)


@pytest.mark.parametrize("value", [{1, "a"}, range(3), 2**70, "\ud800", object()])
def test_what_is_not_looked_up(value: object) -> None:
    if isinstance(value, set):
        assert compact.packed_as_read("sqlite", (1, value, b"head"), 2) is None
        return
    with pytest.raises(compact.Unpackable):
        compact.packed((1, value, b"head"), 2)
    assert compact.packed_as_read("sqlite", (1, value, b"head"), 2) is None


def test_booleans_are_numbers_where_the_database_has_none() -> None:
    written, read = (True, False, b"head"), (1, 0, b"head")
    assert compact.packed_as_read("sqlite", written, 2) == compact.packed(read, 2)
    assert compact.packed_as_read("postgresql", written, 2) == compact.packed(written, 2)


def test_numbers_and_texts_of_a_driver_of_its_own_are_as_they_are_read() -> None:
    class Int4(int):
        pass

    class Safe(str):
        __slots__ = ()

    class Float8(float):
        pass

    written = (Int4(3), Safe("a"), Float8(1.5), True, b"head")
    for vendor, read in (("postgresql", True), ("sqlite", 1)):
        expected = compact.packed((3, "a", 1.5, read, b"head"), 4)
        assert compact.packed_as_read(vendor, written, 4) == expected


def test_a_row_that_changed_has_the_bytes_of_what_it_is_now() -> None:
    row = (
        uuid.uuid4(),
        datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
        datetime(2026, 1, 2, 3),
        b"head",
        date(2026, 1, 2),
        Decimal("1.50"),
        "old",
        None,
    )
    new = (*row[:6], "new", 3)
    before = compact.packed(row, 3)
    assert compact.changed("postgresql", before, 3, [(6, "new"), (7, 3)]) == compact.packed(new, 3)
    assert compact.changed("sqlite", before, 3, [(7, True)]) == compact.packed((*row[:7], 1), 3)
    assert compact.changed("sqlite", before, 3, [(7, [1])]) is None


def test_dictionaries_of_one_shape_share_their_names() -> None:
    shape = compact.Shape()
    values = {f"field_{number}": number for number in range(18)}
    made = [shape.shared(values) for _ in range(60)]
    assert made == [values] * 60
    assert made[0] is not made[1]
    assert list(made[-1]) == list(values)
    if sys.implementation.name == "cpython":
        assert sys.getsizeof(made[-1]) < sys.getsizeof(values) * 2 / 3
    many = {f"field_{number}": number for number in range(40)}
    assert shape.shared(many) == many


@pytest.mark.django_db
def test_an_old_head_beside_the_same_columns_is_no_known_row() -> None:
    patient = Patient.objects.create(record_no="r1", name="Ann", notes="one")
    memo.clear()
    first = Patient.objects.get(pk=patient.pk)
    plan = read_plan(snapshot_binding(first), connection)
    with connection.cursor() as cursor:
        cursor.execute(plan.select_any)
        old = cursor.fetchone()
    first.notes = "two"
    first.save()
    assert Patient.objects.get(pk=patient.pk).notes == "two"
    loaded = load_row(Patient, connection, plan.names, plan.convert, old)
    assert loaded.notes == "one"
    assert Patient.objects.get(pk=patient.pk).notes == "two"


@pytest.mark.django_db
def test_what_the_memo_keeps_says_its_row_in_bytes() -> None:
    patient = Patient.objects.create(record_no="r1", name="Ann")
    memo.clear()
    found = snapshot_of(Patient.objects.get(pk=patient.pk))
    assert found is not None
    assert type(found.opened.row) is bytes
    again = snapshot_of(Patient.objects.get(pk=patient.pk))
    assert again is not None
    assert again.opened is found.opened


@pytest.mark.django_db
def test_instances_share_no_list_of_a_driver() -> None:
    patient = Patient.objects.create(record_no="r1", name="Ann")
    memo.clear()
    plan = read_plan(snapshot_binding(patient), connection)
    with connection.cursor() as cursor:
        cursor.execute(plan.select_any)
        row: list[Any] = list(cursor.fetchone())
    place = plan.names.index("visits")

    def convert(connection: Any, row: Any, only: Any = None) -> list[Any]:
        values = plan.convert(connection, row, only)
        values[place] = 0
        return values

    row[place] = [0]
    for _ in range(2):
        load_row(Patient, connection, plan.names, convert, row)
    assert not memo._young


def snapshot_binding(instance: Any) -> Any:
    """The binding of an instance's model."""
    return type(instance)._meta.concrete_model._meta.sealed_binding
