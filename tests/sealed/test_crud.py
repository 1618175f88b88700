"""Creating, reading, changing and deleting sealed entities."""

from __future__ import annotations

import copy
import datetime
import pickle
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat, Lower, Upper

from django_jazzauth.errors import ConcurrentUpdate, NotJournalled, SealBroken, ValueNotStorable
from django_jazzauth.store import store
from tests.testapp.models import Letter, Patient, Tag, VipPatient, Ward

pytestmark = pytest.mark.django_db


def make(**values: Any) -> Patient:
    values.setdefault("record_no", uuid.uuid4().hex[:12])
    return Patient.objects.create(**values)


def raw(table: str, columns: str, pk: Any) -> tuple[Any, ...]:
    meta_pk = Patient._meta.pk.get_db_prep_value(pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {table} WHERE id = %s", [meta_pk])
        return tuple(cursor.fetchone())


def test_every_kind_of_value_comes_back() -> None:
    seen = datetime.datetime(2026, 3, 4, 5, 6, 7, 891234, tzinfo=datetime.UTC)
    made = make(
        name="Ana",
        email="Ana@Example.com",
        notes="long\nnotes",
        extra={"a": [1, 2, {"b": None}]},
        born=datetime.date(1980, 2, 29),
        weight=Decimal("61.50"),
        seen_at=seen,
    )
    loaded = Patient.objects.get(pk=made.pk)
    assert loaded.name == "Ana"
    assert loaded.email == "Ana@Example.com"
    assert loaded.notes == "long\nnotes"
    assert loaded.extra == {"a": [1, 2, {"b": None}]}
    assert loaded.born == datetime.date(1980, 2, 29)
    assert loaded.weight == Decimal("61.50")
    assert loaded.seen_at == seen
    assert loaded.sealed_version == 1


def test_nothing_readable_is_in_the_row_or_the_event() -> None:
    made = make(name="MarkedName", email="marked@example.com", notes="marked notes")
    row = raw("testapp_patient", "name, email, email_folded, notes, head", made.pk)
    assert row[0] == 1
    assert row[3] == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT payload FROM jazzauth_event")
        payloads = [bytes(payload) for (payload,) in cursor.fetchall()]
    for blob in [bytes(row[1]), bytes(row[2]), bytes(row[4]), *payloads]:
        assert b"arked" not in blob


def test_save_appends_one_event_per_change_and_none_without() -> None:
    made = make(name="one")
    made.name = "two"
    made.save()
    made.save()
    loaded = Patient.objects.get(pk=made.pk)
    loaded.save()
    history = store.history(made)
    assert [event.type for event in history] == ["created", "updated"]
    assert [event.state["name"] for event in history if event.state] == ["one", "two"]


def test_delete_ends_the_stream_and_restore_brings_it_back() -> None:
    made = make(name="gone", record_no="r1")
    pk = made.pk
    made.delete()
    assert not Patient.objects.filter(pk=pk).exists()
    assert [e.type for e in store.history(Patient, pk=pk)] == ["created", "deleted"]
    back = store.restore(Patient, pk)
    assert (back.pk, back.name, back.record_no) == (pk, "gone", "r1")
    assert [e.type for e in store.history(back)] == ["created", "deleted", "restored"]


def test_a_key_that_is_used_again_goes_on_with_its_stream() -> None:
    made = make(name="first")
    pk = made.pk
    made.delete()
    again = make(pk=pk, name="second")
    assert [e.version for e in store.history(again)] == [1, 2, 3]
    assert Patient.objects.get(pk=pk).name == "second"


def test_unique_is_the_databases() -> None:
    make(record_no="same")
    with pytest.raises(IntegrityError), transaction.atomic():
        make(record_no="same")
    Ward.objects.create(name="North")
    with pytest.raises(IntegrityError), transaction.atomic():
        Ward.objects.create(name="NORTH")
    assert store.verify().ok


def test_automatic_keys() -> None:
    wards = [Ward.objects.create(name=f"w{n}") for n in range(3)]
    assert len({ward.pk for ward in wards}) == 3
    bulk = Ward.objects.bulk_create([Ward(name="x"), Ward(name="y")])
    assert all(ward.pk for ward in bulk)
    assert Ward.objects.get(name="y").pk == bulk[1].pk
    wards[2].delete()
    assert Ward.objects.create(name="later").pk > bulk[1].pk


def test_concurrent_changes_merge_field_by_field() -> None:
    made = make(name="a", notes="a")
    one, two = Patient.objects.get(pk=made.pk), Patient.objects.get(pk=made.pk)
    one.name = "one"
    one.save()
    two.notes = "two"
    two.save()
    assert (two.name, two.notes) == ("one", "two")
    fresh = Patient.objects.get(pk=made.pk)
    assert (fresh.name, fresh.notes, fresh.sealed_version) == ("one", "two", 3)


def test_expected_version_refuses_instead() -> None:
    made = make(name="a")
    one, two = Patient.objects.get(pk=made.pk), Patient.objects.get(pk=made.pk)
    one.name = "one"
    one.save(expected_version=1)
    two.name = "two"
    with pytest.raises(ConcurrentUpdate):
        two.save(expected_version=1)


def test_update_of_a_queryset_with_values_and_expressions() -> None:
    for n in range(4):
        make(name=f"Name{n}", visits=n, email=f"USER{n}@example.com")
    assert Patient.objects.filter(visits__gte=1).update(visits=F("visits") + 10) == 3
    assert sorted(Patient.objects.values_list("visits", flat=True)) == [0, 11, 12, 13]
    assert Patient.objects.update(email=Lower("email"), name=Concat(F("name"), Value("!"))) == 4
    assert Patient.objects.filter(email="user2@example.com").get().name == "Name2!"
    assert Patient.objects.filter(name=F("name")).update(name=Upper("name")) == 4
    assert Patient.objects.get(email="user1@example.com").name == "NAME1!"
    assert store.verify().ok


def test_bulk_update_and_save_with_expressions() -> None:
    made = [make(name=str(n), visits=n) for n in range(3)]
    for patient in made:
        patient.name += "x"
        patient.visits += 100
    assert Patient.objects.bulk_update(made, ["name", "visits"]) == 3
    assert sorted(Patient.objects.values_list("visits", flat=True)) == [100, 101, 102]
    first = Patient.objects.get(pk=made[0].pk)
    first.visits = F("visits") + 1
    first.save()
    assert Patient.objects.get(pk=first.pk).visits == 101


def test_bulk_create_with_conflicts() -> None:
    Ward.objects.create(name="a", beds=1)
    Ward.objects.bulk_create(
        [Ward(name="a", beds=2), Ward(name="b", beds=3)], ignore_conflicts=True
    )
    assert dict(Ward.objects.values_list("name", "beds")) == {"a": 1, "b": 3}
    unique = ["name"] if connection.features.supports_update_conflicts_with_target else None
    Ward.objects.bulk_create(
        [Ward(name="a", beds=5), Ward(name="c", beds=6)],
        update_conflicts=True,
        update_fields=["beds"],
        unique_fields=unique,
    )
    assert dict(Ward.objects.values_list("name", "beds")) == {"a": 5, "b": 3, "c": 6}
    assert store.verify().ok


def test_members_are_in_the_head_whoever_writes_them() -> None:
    made = make()
    red, blue = Tag.objects.create(label="red"), Tag.objects.create(label="blue")
    made.tags.add(red)
    assert made.sealed_m2m("tags") == [red.pk]
    blue.patient_set.add(made)
    assert sorted(made.sealed_m2m("tags")) == sorted([red.pk, blue.pk])
    red.delete()
    assert made.sealed_m2m("tags") == [blue.pk]
    through = Patient.tags.through
    through.objects.create(patient=made, tag=Tag.objects.create(label="green"))
    assert len(made.sealed_m2m("tags")) == 2
    through.objects.filter(tag=blue).delete()
    assert len(made.sealed_m2m("tags")) == 1
    through.objects.get().delete()
    assert made.sealed_m2m("tags") == []
    made.tags.set([blue])
    made.tags.clear()
    assert made.sealed_m2m("tags") == []
    assert store.verify().ok


def test_a_member_row_added_by_sql_is_no_member_and_shows() -> None:
    made = make()
    tag = Tag.objects.create(label="red")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO testapp_patient_tags (patient_id, tag_id) VALUES (%s, %s)",
            [Patient._meta.pk.get_db_prep_value(made.pk, connection), tag.pk],
        )
    assert made.sealed_m2m("tags") == []
    assert [problem.code for problem in store.verify().problems] == ["MEMBERS_DIFFER"]


def test_set_null_cascade_is_journalled() -> None:
    ward = Ward.objects.create(name="closing")
    made = make(ward=ward)
    ward.delete()
    assert Patient.objects.get(pk=made.pk).ward_id is None
    assert store.history(made)[-1].state["ward"] is None
    assert store.verify().ok


def test_cascade_delete_is_journalled() -> None:
    made = make()
    Letter.objects.create(patient=made)
    Patient.objects.filter(pk=made.pk).delete()
    assert Letter.objects.count() == 0
    assert store.history(Patient, pk=made.pk)[-1].type == "deleted"


@pytest.mark.parametrize(
    ("column", "value"),
    [("visits", 77), ("active", False), ("name", None), ("email", b"\x01\x01garbage")],
)
def test_a_changed_column_is_refused_and_reported(column: str, value: Any) -> None:
    made = make(name="x", email="x@example.com")
    with connection.cursor() as cursor:
        if column == "name":  # NOT NULL forbids the tampering itself; take a field that may be NULL
            column, value = "notes", 0
        cursor.execute(
            f"UPDATE testapp_patient SET {column} = %s WHERE id = %s",
            [value, Patient._meta.pk.get_db_prep_value(made.pk, connection)],
        )
    if column == "notes":  # a marker only tells NULL from not NULL
        return
    with pytest.raises(SealBroken) as caught:
        Patient.objects.get(pk=made.pk)
    assert "x@example.com" not in str(caught.value)
    with pytest.raises(SealBroken):
        list(Patient.objects.filter(record_no=made.record_no))
    assert {problem.code for problem in store.verify().problems} == {"COLUMN_DIFFERS"}


def test_swapped_heads_are_refused() -> None:
    one, two = make(name="one"), make(name="two")
    heads = {p.pk: raw("testapp_patient", "head", p.pk)[0] for p in (one, two)}
    with connection.cursor() as cursor:
        for target, source in ((one, two), (two, one)):
            cursor.execute(
                "UPDATE testapp_patient SET head = %s WHERE id = %s",
                [heads[source.pk], Patient._meta.pk.get_db_prep_value(target.pk, connection)],
            )
    for patient in (one, two):
        with pytest.raises(SealBroken):
            Patient.objects.get(pk=patient.pk)
    assert [p.code for p in store.verify().problems] == ["HEAD_BROKEN", "HEAD_BROKEN"]


def test_rebuild_is_identical_row_by_row() -> None:
    tag = Tag.objects.create(label="t")
    ward = Ward.objects.create(name="w")
    for n in range(5):
        patient = make(name=str(n), email=f"{n}@x.org", ward=ward)
        patient.tags.add(tag)
        patient.name += "!"
        patient.save()
    make().delete()

    def rows() -> list[list[tuple[Any, ...]]]:
        found = []
        for table in ("testapp_patient", "testapp_ward"):
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM {table} ORDER BY id")
                found.append([tuple(map(_plain, row)) for row in cursor.fetchall()])
        with connection.cursor() as cursor:
            cursor.execute("SELECT patient_id, tag_id FROM testapp_patient_tags ORDER BY 1, 2")
            found.append([tuple(map(_plain, row)) for row in cursor.fetchall()])
        return found

    before = rows()
    counts = store.rebuild()
    assert counts["patient"] == 5
    assert rows() == before
    assert store.verify().ok


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def test_rebuild_finds_entities_whose_name_has_a_pattern_character() -> None:
    from django_jazzauth.models import SigningKey

    SigningKey.objects.create(algorithm="EdDSA", public_jwk={"a": 1}, private_jwk={"d": "x"})
    assert store.rebuild()["signing_key"] == 1
    assert SigningKey.objects.count() == 1
    assert store.verify().ok


def test_point_reads_follow_use_tz(settings: Any) -> None:
    seen = datetime.datetime(2026, 3, 4, 5, 6, 7, tzinfo=datetime.UTC)
    made = make(seen_at=seen)
    assert Patient.objects.get(pk=made.pk).seen_at == seen
    settings.USE_TZ = False
    assert Patient.objects.get(pk=made.pk).seen_at.tzinfo is None
    settings.USE_TZ = True
    assert Patient.objects.get(pk=made.pk).seen_at == seen


def test_as_of_is_a_read_only_past() -> None:
    made = make(name="then")
    moment = store.history(made)[0].recorded_at
    made.name = "now"
    made.save()
    past = store.as_of(made, moment)
    assert past.name == "then"
    with pytest.raises(NotJournalled):
        past.save()


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "a\x00b"), ("name", "\ud800"), ("name", "x" * 61), ("extra", {"k": "\ud800"})],
)
def test_values_that_no_database_could_hold_are_refused(field: str, value: Any) -> None:
    with pytest.raises(ValueNotStorable), transaction.atomic():
        make(**{field: value})
    assert Patient.objects.count() == 0


def test_a_lookup_of_such_a_value_finds_nothing() -> None:
    make(record_no="a")
    assert not Patient.objects.filter(record_no="\ud800").exists()
    assert not Patient.objects.filter(record_no="a\x00").exists()


def test_proxies_copies_and_pickles() -> None:
    made = make(name="p")
    vip = VipPatient.objects.get(pk=made.pk)
    vip.name = "vip"
    vip.save()
    assert Patient.objects.get(pk=made.pk).name == "vip"
    twin = pickle.loads(pickle.dumps(vip))
    twin.notes = "twin"
    twin.save()
    other = copy.copy(twin)
    other.notes = "copy"
    other.save()
    assert [e.version for e in store.history(made)] == [1, 2, 3, 4]
    vip.delete()
    assert store.history(Patient, pk=made.pk)[-1].type == "deleted"


def test_only_and_defer_keep_the_head() -> None:
    made = make(name="n", notes="m")
    partial = Patient.objects.only("name").get(pk=made.pk)
    partial.name = "new"
    partial.save()
    deferred = Patient.objects.defer("notes", "head").get(pk=made.pk)
    assert deferred.notes == "m"
    assert Patient.objects.get(pk=made.pk).name == "new"


def test_events_cannot_be_written_or_deleted_through_the_orm() -> None:
    from django_jazzauth.store.models import Event

    make()
    event = Event.objects.get(version=1, stream__startswith="patient/")
    for refused in (event.save, event.delete, Event.objects.all().delete):
        with pytest.raises(NotJournalled):
            refused()
    with pytest.raises(NotJournalled):
        Patient.objects.all()._raw_delete("default")


def test_an_instance_that_remembers_a_rolled_back_save_can_be_saved_and_deleted() -> None:
    made = make(name="a", notes="a")
    made.name = "b"
    with pytest.raises(RuntimeError), transaction.atomic():
        made.save()
        raise RuntimeError
    made.notes = "c"
    made.save()
    fresh = Patient.objects.get(pk=made.pk)
    assert (fresh.name, fresh.notes, fresh.sealed_version) == ("b", "c", 2)
    fresh.name = "d"
    with pytest.raises(RuntimeError), transaction.atomic():
        fresh.save()
        raise RuntimeError
    fresh.delete()
    assert [e.version for e in store.history(Patient, pk=made.pk)] == [1, 2, 3]
    assert store.verify().ok
