"""PostgreSQL: whoever changes a row takes its lock before the event's, as a deletion does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from django_jazzauth.store import store
from tests.sealed.meanwhile import Meanwhile
from tests.testapp.models import Patient

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="others have one writer"),
]


def save(patient: Patient) -> Callable[[], Any]:
    mine = Patient.objects.get(pk=patient.pk)
    mine.name = "saved meanwhile"
    return mine.save


def update_many(patient: Patient) -> Callable[[], Any]:
    return lambda: Patient.objects.all().update(name="saved meanwhile")


WRITERS = [save, update_many]


@pytest.fixture
def patient() -> Patient:
    Patient.objects.create(record_no="2", name="another")
    return Patient.objects.create(record_no="1", name="new")


@pytest.mark.parametrize("writer", WRITERS)
def test_a_writer_waits_for_who_selected_the_row_for_update(writer: Any, patient: Patient) -> None:
    other = Meanwhile(writer(patient))
    with transaction.atomic():
        held = Patient.objects.select_for_update().get(pk=patient.pk)
        other.starts_and_waits()
        held.notes = "changed under the lock"
        held.save()
    assert other.ends() is None
    patient = Patient.objects.get(pk=patient.pk)
    assert (patient.name, patient.notes) == ("saved meanwhile", "changed under the lock")
    assert store.verify().ok


@pytest.mark.parametrize("writer", WRITERS)
def test_a_writer_waits_for_who_deletes_the_row(writer: Any, patient: Patient) -> None:
    other = Meanwhile(writer(patient))
    with transaction.atomic():
        held = Patient.objects.select_for_update().get(pk=patient.pk)
        other.starts_and_waits()
        held.delete()
    assert other.ends() is None
    assert store.verify().ok
