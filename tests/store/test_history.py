"""History, views of the past and restoring: what they refuse, and in which words."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest
from django.db import connection

from django_jazzauth.errors import KeyDestroyed, NeverExisted, NotJournalled, StoreError
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.models import DataKey
from django_jazzauth.sealed import HeadField, SealedCharField, seal, sealed_field
from django_jazzauth.store import store
from django_jazzauth.store.models import Event
from django_jazzauth.store.registry import projector_of
from tests.testapp.models import Patient, Tag

pytestmark = pytest.mark.django_db


def make(**values: Any) -> Patient:
    return Patient.objects.create(record_no=uuid.uuid4().hex[:12], **values)


def test_who_is_asked_about() -> None:
    for address in (Tag(label="x"), Patient):
        with pytest.raises(StoreError):
            store.history(address)
    instance = Patient()
    instance.pk = None
    with pytest.raises(StoreError):
        store.history(instance)
    with pytest.raises(StoreError):
        projector_of(Tag)
    made = make(name="x")
    assert store.history(instance, pk=made.pk)[0].state == store.history(made)[0].state
    assert "x" not in repr(store.history(made)[0].state and store.history(made)[0])


def test_moments_outside_a_life() -> None:
    made = make()
    born = store.history(made)[0].recorded_at
    with pytest.raises(ValueError):
        store.as_of(made, datetime.datetime(2026, 1, 1))
    with pytest.raises(NeverExisted) as caught:
        store.as_of(made, born - datetime.timedelta(days=1))
    assert caught.value.code == "NEVER_EXISTED"
    pk = made.pk
    made.delete()
    with pytest.raises(NeverExisted):
        store.as_of(Patient, born + datetime.timedelta(days=1), pk=pk)


def test_an_entity_whose_key_was_destroyed() -> None:
    made = make(name="x")
    pk = made.pk
    made.delete()
    DataKey.objects.filter(subject=f"patient/{pk}").update(
        wrapped=None, destroyed_at=datetime.datetime.now(datetime.UTC)
    )
    keyring("default").forget()
    assert [event.readable for event in store.history(Patient, pk=pk)] == [False, False]
    with pytest.raises(KeyDestroyed):
        store.restore(Patient, pk)
    assert [each.code for each in store.verify().problems] == ["TOMBSTONE_MISSING"]


def test_a_compacted_event_keeps_the_chain() -> None:
    from django_jazzauth.crypto.digest import payload_hash

    made = make(name="one")
    made.name = "two"
    made.save()
    with connection.cursor() as cursor:
        cursor.execute("SELECT payload FROM jazzauth_event WHERE version = 1")
        digest = payload_hash(bytes(cursor.fetchone()[0]))
        cursor.execute(
            "UPDATE jazzauth_event SET payload = NULL, payload_hash = %s WHERE version = 1",
            [digest],
        )
    # The chain holds; but this is the past of a living entity, which compact never drops.
    assert [p.code for p in store.verify().problems] == ["PAYLOAD_MISSING"]
    assert [event.readable for event in store.history(made)] == [False, True]
    with pytest.raises(KeyDestroyed):
        store.as_of(made, store.history(made)[0].recorded_at)


def test_events_are_append_only() -> None:
    make()
    for refused in (
        lambda: Event.objects.create(),
        lambda: Event.objects.update(type="x"),
        lambda: Event.objects.bulk_create([]),
        lambda: Event.objects.all().delete(),
    ):
        with pytest.raises(NotJournalled):
            refused()
    assert str(Event.objects.latest("position")).endswith("@1 created")


def test_progress_is_told() -> None:
    Patient.objects.bulk_create([Patient(record_no=str(n)) for n in range(501)])
    told: list[Any] = []
    store.rebuild(progress=lambda *args: told.append(args))
    assert ("patient", 500) in told
    told.clear()
    store.verify(progress=lambda *args: told.append(args))
    assert told[-1] == (501, 501)


def test_fields_are_written_into_migrations_as_they_were_declared() -> None:
    from django.db import models

    field = SealedCharField(max_length=9, searchable=True, casefold=True)
    _, path, args, kwargs = field.deconstruct()
    assert path.endswith("SealedCharField")
    assert kwargs == {"max_length": 9, "searchable": True, "casefold": True}
    dated = seal(models.DateField)(null=True)
    _, path, args, kwargs = dated.deconstruct()
    assert path == "django_jazzauth.sealed.sealed_field"
    assert isinstance(sealed_field(*args, **kwargs), type(dated))
    assert isinstance(dated.clone(), type(dated))
    assert seal(models.CharField) is SealedCharField
    head = HeadField(entity="a", subject="b", aliases={"c": "d"}, schema=2, upcasters={1: dict})
    _, path, args, kwargs = head.deconstruct()
    assert path == "django_jazzauth.sealed.HeadField"
    assert kwargs == {
        "entity": "a",
        "subject": "b",
        "aliases": {"c": "d"},
        "schema": 2,
        "upcasters": {1: dict},
    } | ({"serialize": False} if "serialize" in kwargs else {})


def test_the_subject_of_an_entity_of_a_plain_owner() -> None:
    projector = projector_of(Patient)
    assert projector.subject(uuid.UUID(int=1), {"owner": None}) == f"patient/{uuid.UUID(int=1)}"
