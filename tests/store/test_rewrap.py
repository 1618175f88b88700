"""Everything moves to the newest epoch, and the old one closes."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, connections, transaction

from django_jazzauth.errors import (
    EpochInUse,
    KeyDestroyed,
    NoSuchEpoch,
    SealBroken,
    WrongWorkerSecret,
)
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.models import DataKey, Epoch, Grant, IndexRoot
from django_jazzauth.keys.rotation import rotate
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.sealed import resealing
from django_jazzauth.store import rewrap as rewrap_module
from django_jazzauth.store import store
from django_jazzauth.store.retire import retire
from django_jazzauth.store.rewrap import remaining, rewrap
from tests.testapp.models import LabTreatment, Patient, Ward

from .test_rotation import elsewhere, epoch_of

ON_DISK = pytest.mark.django_db(transaction=True)


def make(**values: Any) -> Patient:
    return Patient.objects.create(record_no=uuid.uuid4().hex[:12], **values)


def populate() -> list[Any]:
    owner = get_user_model().objects.create_user("ana", "ana@example.org", "pw")
    ward = Ward.objects.create(name="North")
    return [
        owner,
        ward,
        LabTreatment.objects.create(lab="x"),
        *(make(owner=owner, ward=ward, name=f"p{n}") for n in range(7)),
        make(name="on their own"),
    ]


def rows() -> list[Any]:
    with connection.cursor() as cursor:
        found = []
        for table in ("testapp_patient", "testapp_ward", "jazzauth_user", "testapp_labtreatment"):
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
            found += [
                tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
                for row in cursor.fetchall()
            ]
    return found


@pytest.mark.django_db
def test_everything_is_counted_moved_and_still_opens() -> None:
    populate()
    assert remaining().total == 0
    rotate("default")
    before = remaining()
    # One data key per subject: Ana, the ward, the treatment (twice: parent and child), a patient.
    assert before.data_keys == DataKey.objects.count() == 5
    assert before.index_roots == 1
    assert before.heads == {"user": 1, "ward": 1, "patient": 8, "treatment": 1, "lab_treatment": 1}
    told: list[tuple[int, int]] = []
    done = rewrap(progress=lambda moved, total: told.append((moved, total)), batch=3)
    assert (done.data_keys, done.index_roots, done.heads) == (5, 1, 12)
    assert done.left.total == remaining().total == 0 and str(done.left) == "nothing"
    assert told[-1] == (18, 18) and told == sorted(told)
    assert set(DataKey.objects.values_list("epoch__number", flat=True)) == {2}
    assert set(IndexRoot.objects.values_list("epoch__number", flat=True)) == {2}
    assert store.verify().ok
    assert get_user_model().objects.get(email="ana@example.org").username == "ana"
    again = rewrap()
    assert (again.data_keys, again.index_roots, again.heads) == (0, 0, 0)


@pytest.mark.django_db
def test_the_heads_are_those_that_a_rebuild_makes() -> None:
    populate()
    rotate("default")
    rewrap()
    moved = rows()
    store.rebuild()
    assert rows() == moved


@pytest.mark.django_db
def test_several_epochs_at_once() -> None:
    made = []
    for _ in range(3):
        made.append(make(name="x"))
        rotate("default")
    assert [epoch_of(patient) for patient in made] == [1, 2, 3]
    assert rewrap().heads == 3
    assert retire("default", 3).numbers == (1, 2, 3)
    assert store.verify().ok and len(store.history(made[0])) == 1


@pytest.mark.django_db
def test_a_database_without_keys() -> None:
    Patient.objects.all().delete()
    assert remaining().total == 0
    assert rewrap().left.total == 0


@pytest.mark.django_db
def test_a_head_that_does_not_open_stays_and_is_named() -> None:
    patient, other = make(), make()
    head = bytearray(bytes(Patient.objects.values_list("head", flat=True).get(pk=patient.pk)))
    head[-1] ^= 1
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE testapp_patient SET head = %s WHERE id = %s",
            [bytes(head), Patient._meta.pk.get_db_prep_value(patient.pk, connection)],
        )
    rotate("default")
    done = rewrap()
    assert done.broken == {f"patient/{patient.pk}"}
    assert done.left.heads == {"patient": 1} and epoch_of(other) == 2
    with pytest.raises(EpochInUse, match="1 heads of patient"):
        retire("default", 1)
    store.rebuild()
    assert retire("default", 1).numbers == (1,)


@pytest.mark.django_db
def test_a_changed_data_key_stops_it() -> None:
    make()
    DataKey.objects.update(wrapped=bytes(61))
    rotate("default")
    with pytest.raises(SealBroken, match="data key"):
        rewrap()


@pytest.mark.django_db
def test_a_destroyed_data_key_is_not_in_the_way() -> None:
    patient = make()
    DataKey.objects.update(wrapped=None, subject=None, destroyed_at="2026-01-01T00:00:00Z")
    rotate("default")
    assert rewrap().data_keys == 0
    assert retire("default", 1).numbers == (1,)
    keyring("default").forget()
    with pytest.raises(KeyDestroyed):
        store.as_of(patient, store.history(patient)[0].recorded_at)


# -- beside writers -------------------------------------------------------------------------------


def rewrap_between(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """Rotate and re-wrap once, just before a function of the write path is called."""
    real = getattr(module, name)

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(module, name, real)
        elsewhere(lambda: (rotate("default"), rewrap()))
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, overtaken)


@ON_DISK
@pytest.mark.parametrize("verb", ["save", "update", "delete", "bulk"])
def test_a_head_that_is_rewrapped_under_a_writer(verb: str, monkeypatch: Any) -> None:
    patient, other = make(name="before"), make(name="before")
    loaded = Patient.objects.get(pk=patient.pk)
    elsewhere(lambda: (rotate("default"), rewrap()))
    # The instance stands on the head's old bytes.
    if verb == "save":
        loaded.name = "after"
        loaded.save()
    elif verb == "update":
        Patient.objects.filter(pk=patient.pk).update(name="after")
    elif verb == "bulk":
        loaded.name = "after"
        Patient.objects.bulk_update([loaded, other], ["name"])
    else:
        loaded.delete()
    if verb != "delete":
        assert Patient.objects.get(pk=patient.pk).name == "after"
    assert store.verify().ok


@ON_DISK
@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="its writers wait for each other")
def test_a_head_that_is_rewrapped_after_the_event_was_written(monkeypatch: Any) -> None:
    from django_jazzauth.sealed import record

    if connection.vendor == "mysql":
        pytest.skip("its writers wait for each other")
    patients = [make(name="before"), make(name="before")]  # one would be a single statement
    rewrap_between(monkeypatch, record, "swap_heads")
    assert Patient.objects.update(name="after") == 2
    for patient in patients:
        assert Patient.objects.get(pk=patient.pk).name == "after"
    assert store.verify().ok


@ON_DISK
def test_a_head_that_was_changed_meanwhile_is_not_overwritten(monkeypatch: Any) -> None:
    patient = make(name="before")
    rotate("default")
    real = rewrap_module.seal_head

    def overtaken(*args: Any) -> bytes:
        monkeypatch.setattr(rewrap_module, "seal_head", real)
        elsewhere(lambda: Patient.objects.filter(pk=patient.pk).update(name="after"))
        return real(*args)

    monkeypatch.setattr(rewrap_module, "seal_head", overtaken)
    assert rewrap().left.total == 0
    assert Patient.objects.get(pk=patient.pk).name == "after"
    assert store.verify().ok


@ON_DISK
def test_another_rotation_while_it_runs(monkeypatch: Any) -> None:
    for _ in range(3):
        make()
    rotate("default")
    real = rewrap_module.seal_head

    def overtaken(*args: Any) -> bytes:
        monkeypatch.setattr(rewrap_module, "seal_head", real)
        elsewhere(lambda: rotate("default"))
        return real(*args)

    monkeypatch.setattr(rewrap_module, "seal_head", overtaken)
    assert rewrap().left.total == 0
    assert {epoch_of(patient) for patient in Patient.objects.all()} == {3}
    assert retire("default", 2).numbers == (1, 2)
    assert store.verify().ok


@ON_DISK
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="row locks that can be skipped")
def test_rows_in_the_hands_of_others_are_not_waited_for(monkeypatch: Any) -> None:
    patient, other = make(), make()
    rotate("default")
    monkeypatch.setattr(rewrap_module, "_PASSES", 2)
    with transaction.atomic():
        list(Patient.objects.select_for_update().filter(pk=patient.pk))
        results: list[Any] = []
        elsewhere(lambda: results.append(rewrap()))
    assert results[0].left.heads == {"patient": 1}
    assert (epoch_of(patient), epoch_of(other)) == (1, 2)


# -- retiring -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_is_refused_while_anything_depends_on_it() -> None:
    populate()
    with pytest.raises(EpochInUse, match="is the one in use"):
        retire("default", 1)
    with pytest.raises(NoSuchEpoch, match="no epoch 7"):
        retire("default", 7)
    rotate("default")
    grants = Grant.objects.count()
    with pytest.raises(EpochInUse, match="5 data keys, 1 index roots, 1 heads of user") as caught:
        retire("default", 1)
    assert caught.value.code == "EPOCH_IN_USE"
    assert Grant.objects.count() == grants and Epoch.objects.filter(retired_at=None).count() == 2


@pytest.mark.django_db
def test_it_destroys_every_way_to_the_keys() -> None:
    populate()
    rotate("default")
    rotate("default")
    rewrap()
    done = retire("default", 1)
    assert (done.numbers, done.grants) == ((1,), 1)
    first, second, third = Epoch.objects.order_by("number")
    assert first.retired_at is not None and second.retired_at is None
    assert first.previous_wrapped is second.previous_wrapped is None
    assert third.previous_wrapped is not None
    assert not first.grants.exists() and second.grants.exists()
    assert retire("default", 1).numbers == ()
    assert store.verify().ok
    assert retire("default", 2).numbers == (2,)
    assert store.verify().ok and populate_again()


def populate_again() -> bool:
    return bool(make(name="later").pk)


@pytest.mark.django_db
def test_a_stranger_retires_nothing(settings: Any) -> None:
    make()
    rotate("default")
    rewrap()
    settings.JAZZAUTH = {**settings.JAZZAUTH, "WORKER_SECRET": WorkerSecret.generate().to_text()}
    with pytest.raises(WrongWorkerSecret):
        retire("default", 1)
    assert Grant.objects.count() == 2


@ON_DISK
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="writers wait for each other")
def test_a_writer_that_began_before_the_rotation_is_waited_for() -> None:
    make()
    wrote, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                make(name="slow")
                wrote.set()
                go_on.wait(20)
        finally:
            connections.close_all()

    thread = threading.Thread(target=slow)
    thread.start()
    assert wrote.wait(20)
    elsewhere(lambda: rotate("default"))
    rewrap()
    assert remaining().total == 0  # what is not committed is not seen
    with pytest.raises(EpochInUse, match="1 transactions from before"):
        retire("default", 1, patience=0.2)
    go_on.set()
    thread.join()
    with pytest.raises(EpochInUse, match="data keys"):
        retire("default", 1)
    rewrap()
    assert retire("default", 1).numbers == (1,)
    assert Patient.objects.get(name="slow") and store.verify().ok


def test_the_prefix_is_what_the_format_says() -> None:
    assert resealing._prefix(bytes(16)) == b"\x01" + bytes(16)
