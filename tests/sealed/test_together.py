"""An event and its row are both written or neither, also where they are one statement."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from django_jazzauth.errors import SealBroken
from django_jazzauth.keys.models import DataKey
from django_jazzauth.keys.rotation import rotate
from django_jazzauth.store import store
from django_jazzauth.store.models import Event
from django_jazzauth.store.rewrap import rewrap
from tests.store.test_rotation import elsewhere
from tests.testapp.models import Patient

pytestmark = pytest.mark.django_db(transaction=True)

blocks = pytest.mark.parametrize("block", [False, True], ids=["alone", "in a transaction"])


def number() -> str:
    return uuid.uuid4().hex[:12]


def within(block: bool, work: Any) -> None:
    if block:
        with transaction.atomic():
            work()
    else:
        work()


def counts() -> tuple[int, int, int]:
    return Patient.objects.count(), Event.objects.count(), DataKey.objects.count()


@blocks
def test_a_row_that_is_refused_leaves_nothing(block: bool) -> None:
    Patient.objects.create(record_no="taken")
    before = counts()
    with pytest.raises(IntegrityError):
        within(block, lambda: Patient.objects.create(record_no="taken"))
    assert counts() == before
    assert store.verify().ok


@blocks
def test_a_save_that_is_refused_leaves_nothing(block: bool) -> None:
    Patient.objects.create(record_no="taken")
    patient = Patient.objects.create(record_no=number())
    before = counts()
    patient.record_no = "taken"
    with pytest.raises(IntegrityError):
        within(block, patient.save)
    assert counts() == before
    patient.record_no = "free"
    within(block, patient.save)
    assert Patient.objects.get(record_no="free") == patient
    assert store.verify().ok


@blocks
def test_a_row_that_was_changed_by_hand_gets_no_event(block: bool) -> None:
    patient = Patient.objects.create(record_no=number(), name="a")
    other = Patient.objects.create(record_no=number(), name="b")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE testapp_patient SET head = (SELECT o.head FROM "
            "(SELECT head FROM testapp_patient WHERE id = %s) o) WHERE id = %s",
            [_key(other), _key(patient)],
        )
    before = Event.objects.count()
    patient.name = "c"
    with pytest.raises(SealBroken):
        within(block, patient.save)
    assert Event.objects.count() == before


def _key(patient: Patient) -> Any:
    return patient.pk if connection.features.has_native_uuid_field else patient.pk.hex


@blocks
def test_a_head_in_other_bytes_moves_along(block: bool) -> None:
    patient = Patient.objects.create(record_no=number(), name="a")
    elsewhere(lambda: (rotate("default"), rewrap()))
    patient.name = "b"
    within(block, patient.save)
    assert [event.version for event in store.history(patient)] == [1, 2]
    assert Patient.objects.get(pk=patient.pk).name == "b"
    assert store.verify().ok


@blocks
def test_what_is_new_is_written_under_the_newest_epoch(block: bool) -> None:
    Patient.objects.create(record_no=number())
    elsewhere(lambda: rotate("default"))
    within(block, lambda: Patient.objects.create(record_no="later"))
    assert Patient.objects.get(record_no="later").sealed_version == 1
    assert store.verify().ok


@blocks
def test_a_key_that_was_used_before_goes_on(block: bool) -> None:
    patient = Patient.objects.create(record_no=number(), name="a")
    pk = patient.pk
    patient.delete()
    within(block, lambda: Patient.objects.create(pk=pk, record_no=number(), name="b"))
    assert [event.type for event in store.history(Patient, pk=pk)] == [
        "created",
        "deleted",
        "created",
    ]
    assert store.verify().ok


@blocks
def test_somebody_who_was_forgotten_may_come_back(block: bool) -> None:
    patient = Patient.objects.create(record_no=number(), name="a")
    pk = patient.pk
    store.shred(patient)
    within(block, lambda: Patient.objects.create(pk=pk, record_no=number(), name="b"))
    assert Patient.objects.get(pk=pk).name == "b"
    assert store.verify().ok


def test_a_data_key_that_was_rolled_back_is_not_relied_on() -> None:
    patient = Patient(record_no=number(), name="a")
    with pytest.raises(RuntimeError), transaction.atomic():
        patient.save()
        raise RuntimeError
    Patient.objects.create(pk=patient.pk, record_no=number(), name="b")
    assert Patient.objects.get(pk=patient.pk).name == "b"
    assert store.verify().ok
