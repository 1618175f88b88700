"""A new epoch reaches writers that are at work: within the same call, and without an error."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections, transaction

from django_jazzauth.errors import WrongWorkerSecret
from django_jazzauth.keys.card import Card
from django_jazzauth.keys.keyring import Keyring, keyring
from django_jazzauth.keys.models import DataKey, Epoch
from django_jazzauth.keys.rotation import rotate
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.source import worker_secret
from django_jazzauth.keys.workers import add_worker, remove_worker
from django_jazzauth.store import store
from django_jazzauth.store.sealing import head_epoch
from tests.testapp.models import Patient

pytestmark = pytest.mark.django_db(transaction=True)


def make(**values: Any) -> Patient:
    return Patient.objects.create(record_no=uuid.uuid4().hex[:12], **values)


def elsewhere(work: Callable[[], Any]) -> Any:
    """Do something as another process would: on a connection of its own, with a keyring of its own.

    What this process keeps in memory is as stale afterwards as that of any other.
    """
    failures: list[BaseException] = []
    keyring("default").current()
    kept = keyring("default")._holder._shared

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    keyring("default")._holder._shared = kept
    if failures:
        raise failures[0]


def epoch_of(patient: Patient) -> int:
    blob = Patient.objects.filter(pk=patient.pk).values_list("head", flat=True).get()
    return Epoch.objects.get(id=uuid.UUID(bytes=head_epoch(bytes(blob)))).number


def test_a_stale_writer_goes_on_under_the_new_epoch() -> None:
    patient = make(name="before")
    elsewhere(lambda: rotate("default"))
    assert keyring("default").current().number == 1
    patient.name = "after"
    patient.save()
    assert keyring("default").current().number == 2
    assert epoch_of(patient) == epoch_of(make()) == 2
    assert Patient.objects.get(pk=patient.pk).name == "after"
    assert store.verify().ok


def test_a_stale_writer_with_a_new_person() -> None:
    make()
    elsewhere(lambda: rotate("default"))
    made = make()
    key = DataKey.objects.get(subject=f"patient/{made.pk}")
    assert key.epoch.number == epoch_of(made) == 2


def test_a_stale_reader_opens_what_was_written_since() -> None:
    patient = make(name="before")
    assert Patient.objects.get(pk=patient.pk).name == "before"

    def write() -> None:
        rotate("default")
        Patient.objects.filter(pk=patient.pk).update(name="after")

    elsewhere(write)
    assert Patient.objects.get(pk=patient.pk).name == "after"


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="its writers wait for each other")
def test_in_the_middle_of_a_transaction_that_has_read_and_written() -> None:
    patient, other = make(name="before"), make()
    with transaction.atomic():
        assert Patient.objects.get(pk=patient.pk).name == "before"
        if connection.vendor == "postgresql":
            other.name = "early"
            other.save()
        elsewhere(lambda: rotate("default"))
        patient.name = "after"
        patient.save()
        made = make()
        with transaction.atomic():
            other.notes = "late"
            other.save()
    assert epoch_of(patient) == epoch_of(made) == epoch_of(other) == 2
    assert store.verify().ok


def test_a_rotation_that_is_rolled_back_leaves_nothing_behind() -> None:
    patient = make()
    with pytest.raises(RuntimeError), transaction.atomic():
        rotate("default")
        patient.name = "never"
        patient.save()
        assert epoch_of(patient) == 2
        raise RuntimeError
    assert Epoch.objects.count() == 1
    patient.refresh_from_db()
    patient.name = "after"
    patient.save()
    assert epoch_of(patient) == epoch_of(make()) == 1
    assert store.verify().ok


def test_a_running_worker_that_was_removed_writes_nothing_more() -> None:
    patient = make(name="before")
    other = WorkerSecret.generate()
    add_worker("default", "other", Card.of(other))

    def remove() -> None:
        remove_worker("default", worker_secret().worker_id, myself=True)

    elsewhere(remove)
    patient.name = "after"
    with pytest.raises(WrongWorkerSecret, match="was removed"):
        patient.save()
    with pytest.raises(WrongWorkerSecret):
        make()
    assert Patient.objects.count() == 1


def test_rotations_that_race_each_make_their_own_epoch() -> None:
    make()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            rotate("default")
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert list(Epoch.objects.order_by("number").values_list("number", flat=True)) == [*range(1, 8)]
    assert Keyring("default").current().number == 7
