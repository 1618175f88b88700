"""Instances that remember what a rolled-back transaction wrote."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Count

from django_jazzauth.errors import ConcurrentUpdate, NotJournalled, SealBroken
from django_jazzauth.store import store
from tests.testapp.models import Letter, Patient, Tag

pytestmark = pytest.mark.django_db


class Broken(Exception):
    pass


def make(**values: Any) -> Patient:
    return Patient.objects.create(record_no=uuid.uuid4().hex[:12], **values)


def test_saving_again_after_a_rollback_writes_what_was_rolled_back() -> None:
    made = make(name="a", notes="a")
    made.name = "b"
    with pytest.raises(Broken), transaction.atomic():
        made.save()
        raise Broken
    made.save()
    assert made.name == "b"
    assert Patient.objects.get(pk=made.pk).name == "b"
    assert store.verify().ok


def test_it_still_merges_with_what_others_wrote_meanwhile() -> None:
    made = make(name="a", notes="a")
    made.name = "b"
    with pytest.raises(Broken), transaction.atomic():
        made.save()
        made.name = "c"
        made.save()
        raise Broken
    Patient.objects.filter(pk=made.pk).update(notes="theirs")
    made.save()
    fresh = Patient.objects.get(pk=made.pk)
    assert (fresh.name, fresh.notes) == ("c", "theirs")
    assert made.notes == "theirs"


def test_a_nested_savepoint_rolled_back_alone() -> None:
    made = make(name="a", notes="a")
    with transaction.atomic():
        made.name = "outer"
        made.save()
        made.notes = "inner"
        with pytest.raises(Broken), transaction.atomic():
            made.save()
            raise Broken
        made.save()
    fresh = Patient.objects.get(pk=made.pk)
    assert (fresh.name, fresh.notes, fresh.sealed_version) == ("outer", "inner", 3)
    assert store.verify().ok


def test_an_instance_first_loaded_in_the_rolled_back_block_wins_as_a_whole() -> None:
    pk = make(name="a").pk
    with pytest.raises(Broken), transaction.atomic():
        Patient.objects.filter(pk=pk).update(name="b")
        loaded = Patient.objects.get(pk=pk)
        raise Broken
    loaded.save()
    assert Patient.objects.get(pk=pk).name == "b"


def test_a_creation_that_was_rolled_back_can_be_saved_again() -> None:
    made = Patient(record_no="again", name="x")
    with pytest.raises(Broken), transaction.atomic():
        made.save()
        raise Broken
    made.save()
    assert Patient.objects.get(pk=made.pk).name == "x"
    assert [e.type for e in store.history(made)] == ["created"]


def test_a_deletion_that_was_rolled_back_can_be_repeated() -> None:
    made = make(name="a")
    pk = made.pk
    with pytest.raises(Broken), transaction.atomic():
        made.delete()
        raise Broken
    Patient.objects.get(pk=pk).delete()
    assert [e.type for e in store.history(Patient, pk=pk)] == ["created", "deleted"]


def test_expected_version_of_an_entity_that_is_gone() -> None:
    made = make(name="a")
    Patient.objects.filter(pk=made.pk).delete()
    made.name = "b"
    with pytest.raises(ConcurrentUpdate), transaction.atomic():
        made.save(expected_version=1)
    with pytest.raises(ConcurrentUpdate), transaction.atomic():
        Patient(pk=uuid.uuid4(), record_no="n").save(expected_version=4)
    assert not Patient.objects.exists()


def test_deleting_a_stale_instance_adds_no_second_end() -> None:
    made = make()
    twin = Patient.objects.get(pk=made.pk)
    pk = made.pk
    made.delete()
    twin.delete()
    assert [e.type for e in store.history(Patient, pk=pk)] == ["created", "deleted"]
    never = Patient(pk=uuid.uuid4(), record_no="never")
    pk = never.pk
    never.delete()
    assert store.history(Patient, pk=pk) == []


def test_a_view_of_the_past_deletes_and_writes_nothing() -> None:
    made = make(name="then")
    past = store.as_of(made, store.history(made)[0].recorded_at)
    past.name = "changed"
    for refused in (
        past.save,
        past.delete,
        past.save_base,
        lambda: Patient.objects.bulk_update([past], ["name"]),
    ):
        with pytest.raises(NotJournalled), transaction.atomic():
            refused()
    assert Patient.objects.get(pk=made.pk).name == "then"


def test_a_row_put_back_to_an_older_head_neither_loads_nor_is_written() -> None:
    from django.db import connection

    made = make(name="a")
    table, key = "testapp_patient", Patient._meta.pk.get_db_prep_value(made.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT head FROM {table} WHERE id = %s", [key])
        (old,) = cursor.fetchone()
        made.name = "b"
        made.save()
        cursor.execute(f"UPDATE {table} SET head = %s WHERE id = %s", [old, key])
    assert [p.code for p in store.verify().problems] == ["HEAD_STALE"]
    same = Patient.objects.filter(pk=made.pk)
    letters = Letter.objects.create(patient_id=made.pk)
    for read in (
        lambda: same.get(),
        lambda: Patient.objects.get(pk=made.pk),
        lambda: list(same),
        lambda: list(same.only("visits")),
        lambda: list(same.defer("name").select_related("owner")),
        lambda: list(same.annotate(n=Count("letters")).distinct()),
        lambda: list(same.values_list("name")),
        lambda: Letter.objects.select_related("patient").get(pk=letters.pk),
        lambda: list(same.union(Patient.objects.filter(visits=99))),
        lambda: Patient.objects.in_bulk([made.pk]),
        lambda: made.refresh_from_db(),
        lambda: made.sealed_m2m("tags"),
        lambda: list(Patient.objects.filter(name__icontains="a")),
    ):
        with pytest.raises(SealBroken), transaction.atomic():
            read()
    made.notes = "x"
    with pytest.raises(SealBroken), transaction.atomic():
        made.save()
    with pytest.raises(SealBroken), transaction.atomic():
        Patient.objects.filter(pk=made.pk).update(notes="y")
    with pytest.raises(SealBroken), transaction.atomic():
        made.tags.add(Tag.objects.create(label="t"))
