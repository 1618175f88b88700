"""Members, children and cascades: whatever writes them, the heads follow."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.models.signals import post_delete

from django_jazzauth.errors import StoreError
from django_jazzauth.store import store
from django_jazzauth.store.models import Event
from tests.testapp.models import LabTreatment, Patient, Tag, Treatment, Ward

pytestmark = pytest.mark.django_db


def make(**values: Any) -> Patient:
    return Patient.objects.create(record_no=uuid.uuid4().hex[:12], **values)


def test_a_member_row_that_is_changed_in_place() -> None:
    made, other = make(), make()
    red, blue = (Tag.objects.create(label=label) for label in ("red", "blue"))
    made.tags.add(red)
    row = Patient.tags.through.objects.get()
    row.tag = blue
    row.save()
    assert made.sealed_m2m("tags") == [blue.pk]
    row.patient = other
    row.save()
    assert made.sealed_m2m("tags") == []
    assert other.sealed_m2m("tags") == [blue.pk]
    Patient.tags.through.objects.filter(tag=blue).update(tag=red)
    assert other.sealed_m2m("tags") == [red.pk]
    row.refresh_from_db()
    row.tag = blue
    Patient.tags.through.objects.bulk_update([row], ["tag"])
    assert other.sealed_m2m("tags") == [blue.pk]
    assert store.verify().ok


def test_listeners_for_every_model_do_not_hide_a_cascade() -> None:
    def listener(**kwargs: Any) -> None:
        pass

    made = make()
    tag = Tag.objects.create(label="red")
    user = get_user_model().objects.create(username="u")
    group = Group.objects.create(name="g")
    made.tags.add(tag)
    user.groups.add(group)
    post_delete.connect(listener)
    try:
        tag.delete()
        Group.objects.all().delete()
    finally:
        post_delete.disconnect(listener)
    assert made.sealed_m2m("tags") == []
    assert user.sealed_m2m("groups") == []
    assert store.verify().ok


def test_a_deleted_entity_comes_back_with_its_members() -> None:
    made = make(name="x")
    red, blue = (Tag.objects.create(label=label) for label in ("red", "blue"))
    made.tags.add(red, blue)
    pk = made.pk
    made.delete()
    assert [e.type for e in store.history(Patient, pk=pk)] == ["created", "updated", "deleted"]
    blue.delete()
    back = store.restore(Patient, pk)
    assert [tag.pk for tag in back.tags.all()] == [red.pk]
    assert back.sealed_m2m("tags") == [red.pk]
    assert store.verify().ok


def test_members_still_follow_after_a_deletion_was_rolled_back() -> None:
    made = make()
    tag = Tag.objects.create(label="red")
    made.tags.add(tag)
    pk = made.pk
    with pytest.raises(RuntimeError), transaction.atomic():
        made.delete()
        raise RuntimeError
    made = Patient.objects.get(pk=pk)
    made.tags.clear()
    assert made.sealed_m2m("tags") == []
    assert store.verify().ok


def test_restoring_what_points_at_something_gone() -> None:
    ward = Ward.objects.create(name="w")
    made = make(ward=ward)
    pk = made.pk
    made.delete()
    ward.delete()
    with pytest.raises(StoreError) as caught, transaction.atomic():
        store.restore(Patient, pk)
    assert caught.value.code == "RESTORE_REFUSED"
    assert "ward" in str(caught.value)
    assert not Patient.objects.filter(pk=pk).exists()
    assert store.verify().ok


def test_restoring_where_a_unique_value_was_taken_meanwhile() -> None:
    made = make()
    pk, number = made.pk, made.record_no
    made.delete()
    Patient.objects.create(record_no=number)
    with pytest.raises(StoreError) as caught, transaction.atomic():
        store.restore(Patient, pk)
    assert caught.value.code == "RESTORE_REFUSED"
    assert number not in str(caught.value)
    assert store.verify().ok


def test_restore_of_what_was_never_there_or_never_gone() -> None:
    made = make()
    with pytest.raises(StoreError):
        store.restore(Patient, made.pk)
    with pytest.raises(StoreError):
        store.restore(Patient, uuid.uuid4())


def test_a_relation_to_itself() -> None:
    one, two, three = (Treatment.objects.create(code=str(n)) for n in range(3))
    one.follows.add(two, three)
    assert two.sealed_m2m("follows") == [one.pk]
    two.delete()
    assert one.sealed_m2m("follows") == [three.pk]
    one.follows.clear()
    assert three.sealed_m2m("follows") == []
    assert store.verify().ok
    store.rebuild()
    assert store.verify().ok


def test_the_event_of_a_deletion_belongs_to_the_owner() -> None:
    owner = get_user_model().objects.create(username="owner")
    keys = []
    for load in (
        lambda pk: Patient.objects.only("name").get(pk=pk),
        lambda pk: Patient(pk=pk),
        lambda pk: Patient.objects.get(pk=pk),
    ):
        made = make(owner=owner)
        stream = f"patient/{made.pk}"
        load(made.pk).delete()
        keys.append(set(Event.objects.filter(stream=stream).values_list("key_id", flat=True)))
    assert all(len(found) == 1 for found in keys), keys


def test_child_tables_have_streams_of_their_own() -> None:
    made = LabTreatment.objects.create(code="c", lab="MarkedLab", price="1.50")
    loaded = LabTreatment.objects.get(pk=made.pk)
    assert (loaded.code, loaded.lab, loaded.status) == ("c", "MarkedLab", "new")
    loaded.lab = "other"
    loaded.status = "done"
    loaded.save()
    loaded = LabTreatment.objects.get(pk=made.pk)
    assert (loaded.lab, loaded.status) == ("other", "done")
    assert Treatment.objects.get(pk=made.pk).labtreatment.lab == "other"
    assert [e.type for e in store.history(LabTreatment, pk=made.pk)] == ["created", "updated"]
    assert [e.type for e in store.history(Treatment, pk=made.pk)] == ["created", "updated"]
    assert store.verify().ok
    loaded.delete()
    assert not Treatment.objects.exists()
    assert store.history(LabTreatment, pk=made.pk)[-1].type == "deleted"
    assert store.history(Treatment, pk=made.pk)[-1].type == "deleted"


def test_a_large_cascade() -> None:
    owner = get_user_model().objects.create(username="owner")
    Patient.objects.bulk_create([Patient(record_no=str(n), owner=owner) for n in range(1100)])
    owner.delete()
    assert not Patient.objects.exists()
    assert Event.objects.filter(type="deleted", stream__startswith="patient/").count() == 1100


def test_streams_longer_than_their_column_are_refused() -> None:
    from django_jazzauth.errors import ValueNotStorable
    from django_jazzauth.store.journal import CREATED, Draft, append

    long = "x/" + "k" * 300
    with pytest.raises(ValueNotStorable), transaction.atomic():
        append("default", [Draft("x", long, "someone", CREATED, 1, {})])


def test_fixtures_with_members(tmp_path: Any) -> None:
    from django.core.management import call_command

    tag = Tag.objects.create(label="red")
    made = make(name="x", extra={"a": 1}, born="1980-01-02")
    made.tags.add(tag)
    other = Treatment.objects.create(price="1.20")
    other.follows.add(Treatment.objects.create(code="b"))
    file = tmp_path / "dump.json"
    call_command("dumpdata", "testapp", output=str(file))
    Patient.objects.all().delete()
    Treatment.objects.all().delete()
    Tag.objects.all().delete()
    call_command("loaddata", str(file), verbosity=0)
    loaded = Patient.objects.get(pk=made.pk)
    assert (loaded.name, loaded.extra, str(loaded.born)) == ("x", {"a": 1}, "1980-01-02")
    assert loaded.sealed_m2m("tags") == [tag.pk]
    assert Treatment.objects.get(pk=other.pk).follows.count() == 1
    assert store.verify().ok
    assert connection.check_constraints() is None


def test_a_parents_fields_are_written_through_the_child() -> None:
    made = [LabTreatment.objects.create(code=f"c{n}", status="s", lab="L") for n in range(2)]
    other = LabTreatment.objects.create(code="o", status="x", lab="L")
    rows = LabTreatment.objects.filter(status="s", lab="L")
    assert rows.update(status="t", code="both", lab="M") == 2
    assert LabTreatment.objects.filter(status="t").update(factor=2.5) == 2
    first = LabTreatment.objects.get(pk=made[0].pk)
    assert (first.status, first.code, first.lab, first.factor) == ("t", "both", "M", 2.5)
    assert LabTreatment.objects.get(pk=other.pk).code == "o"
    first.code, first.lab = "bulk", "B"
    assert LabTreatment.objects.bulk_update([first], ["code", "lab"]) == 1
    again = LabTreatment.objects.get(pk=first.pk)
    assert (again.code, again.lab) == ("bulk", "B")
    # One table alone is written where only its columns change.
    before = Event.objects.count()
    assert LabTreatment.objects.filter(pk=first.pk).update(status="u") == 1
    assert Event.objects.count() == before + 1
    assert store.verify().ok
