"""A row that this process wrote is recognised when it is read; anything else is opened."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from django_jazzauth.errors import SealBroken
from django_jazzauth.sealed import binding
from django_jazzauth.sealed.memo import memo
from django_jazzauth.store import sealing
from tests.testapp.models import Patient

pytestmark = pytest.mark.django_db

RECOGNISES = pytest.mark.skipif(
    connection.vendor == "mysql", reason="MariaDB's driver gives values in another guise"
)


class Openings:
    """How often a head was opened."""

    count = 0

    def since(self) -> int:
        """Since the last call."""
        count, self.count = self.count, 0
        return count


@pytest.fixture
def openings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Openings]:
    counted = Openings()
    opened = sealing.open_head

    def open_head(*args: object) -> sealing.Head:
        counted.count += 1
        return opened(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(binding, "open_head", open_head)
    memo.clear()
    yield counted
    memo.clear()


def made(**given: object) -> Patient:
    return Patient.objects.create(
        record_no="r1",
        email="Ann@Example.org",
        name="Ann",
        seen_at=datetime(2026, 1, 2, 3, tzinfo=UTC),
        **given,
    )


@RECOGNISES
def test_what_was_created_is_read_without_opening_its_head(openings: Openings) -> None:
    patient = made(extra={"a": [1]}, visits=3)
    openings.since()
    found = Patient.objects.get(pk=patient.pk)
    assert openings.since() == 0
    assert (found.name, found.visits, found.extra) == ("Ann", 3, {"a": [1]})
    assert found.seen_at == patient.seen_at
    assert type(found.pk) is uuid.UUID
    assert found.extra is not patient.extra


@RECOGNISES
def test_what_was_saved_is_read_without_opening_its_head(openings: Openings) -> None:
    made()
    patient = Patient.objects.get(record_no="r1")
    patient.name, patient.email, patient.active = "Bea", "bea@example.org", False
    patient.save()
    openings.since()
    found = Patient.objects.get(record_no="r1")
    assert openings.since() == 0
    assert (found.name, found.email, found.active) == ("Bea", "bea@example.org", False)
    found.visits = 9
    found.save(update_fields=["visits"])
    openings.since()
    assert Patient.objects.get(pk=found.pk).visits == 9
    assert openings.since() == 0


def test_what_is_read_is_what_a_process_that_did_not_write_it_reads() -> None:
    number = uuid.uuid4()
    made(id=str(number), visits="3", extra={"b": None})
    user = get_user_model().objects.create_user("ann", "Ann@EXAMPLE.org", "x")
    for model, key in ((Patient, number), (get_user_model(), user.pk)):
        recognised = model.objects.get(pk=key).__dict__
        memo.clear()
        opened = model.objects.get(pk=key).__dict__
        for one, other in ((recognised, opened), (opened, recognised)):
            assert {n: v for n, v in one.items() if n != "_state"} == {
                n: v for n, v in other.items() if n != "_state"
            }
            assert {type(v) for v in one.values()} == {type(v) for v in other.values()}


@pytest.mark.parametrize(
    ("column", "value"), [("visits", 4), ("record_no", None), ("name", 2), ("active", False)]
)
def test_what_was_changed_since_it_was_written_does_not_load(column: str, value: object) -> None:
    patient = made()
    if column == "record_no":
        value = bytes(40)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE testapp_patient SET {column} = %s", [value])
    with pytest.raises(SealBroken):
        Patient.objects.get(pk=patient.pk)


def test_what_was_undone_is_not_remembered_as_there() -> None:
    patient = made()
    with transaction.atomic():
        patient.name = "Bea"
        patient.save()
        transaction.set_rollback(True)
    assert Patient.objects.get(pk=patient.pk).name == "Ann"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_patient SET active = NOT active")
    with pytest.raises(SealBroken):
        Patient.objects.get(pk=patient.pk)
