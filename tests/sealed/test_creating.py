"""``objects.create()`` past Django's layers: the same instance, event and signals as with them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, models, transaction
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init, post_save, pre_save
from django.db.transaction import TransactionManagementError
from django.test.utils import isolate_apps, override_settings

from django_jazzauth.models import Session
from django_jazzauth.sealed import (
    EventSourcedMixin,
    EventSourcedModel,
    EventStoreQuerySetMixin,
    creates_plainly,
)
from django_jazzauth.sealed.creating import _plan, create_shortly, new_instance
from django_jazzauth.store import store
from tests.testapp.models import Patient, VipPatient, Ward

User: Any = get_user_model()

pytestmark = pytest.mark.django_db


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """Django's own way is closed."""

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("Django saves")

    monkeypatch.setattr(EventSourcedMixin, "_save_table", refuse)


def _known(instance: Any) -> dict[str, Any]:
    state = instance._state
    attributes = {**instance.__dict__}
    del attributes["_state"]
    for name in ("id", "head", "record_no", "token", "created_at", "updated_at"):
        attributes.pop(name, None)
    return attributes | {
        "adding": state.adding,
        "db": state.db,
        "related": state.fields_cache,
        "version": instance.sealed_version,
    }


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"name": "Ada", "visits": 3, "extra": {"a": [1]}, "email": "Ada@Example.org"},
        {"ward": None},
        {"ward_id": None, "seen_at": None},
    ],
)
def test_it_is_what_django_would_have_made(values: dict[str, Any]) -> None:
    theirs = Patient(record_no="a", **values)
    theirs.save(force_insert=True)
    ours = create_shortly(Patient, "default", {"record_no": "b", **values})
    assert _known(ours) == _known(theirs)
    assert list(ours.__dict__) == list(theirs.__dict__)
    assert Patient.objects.get(pk=ours.pk) == ours
    assert [event.type for event in store.history(Patient, pk=ours.pk)] == ["created"]
    assert store.verify().ok


def test_related_instances_are_kept(direct: None) -> None:
    user = User.objects.get(pk=_user().pk)
    session = Session.objects.create(user=user, expires_at=user.date_joined)
    assert session.user is user
    assert Session.objects.get(pk=session.pk).user_id == user.pk
    assert store.verify().ok


def test_defaults_are_made_for_each(direct: None) -> None:
    one = Patient.objects.create(record_no="a")
    other = Patient.objects.create(record_no="b")
    assert one.pk != other.pk


def test_what_was_created_is_saved_as_ever() -> None:
    patient = Patient.objects.create(record_no="a", name="x", extra={"a": 1})
    patient.save()
    assert patient.sealed_version == 1
    patient.extra["a"] = 2
    patient.save()
    found = Patient.objects.get(pk=patient.pk)
    assert (found.extra, found.name, found.sealed_version) == ({"a": 2}, "x", 2)


def test_a_save_of_the_projects_own_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    Patient.objects.create(record_no="a")  # how instances are made was found out before
    called: list[Any] = []

    def save(self: Any, *args: Any, **kwargs: Any) -> None:
        called.append(kwargs)
        super(Patient, self).save(*args, **kwargs)

    monkeypatch.setattr(Patient, "save", save)
    patient = Patient.objects.create(record_no="b")
    assert called == [{"force_insert": True, "using": "default"}]
    assert Patient.objects.filter(pk=patient.pk).exists()


@isolate_apps("tests.testapp")
def test_only_a_save_that_says_so_is_passed_by(registered: None) -> None:
    class Silent(EventSourcedModel):
        id = models.UUIDField(primary_key=True, default=dict)

        @creates_plainly
        def save(self, *args: Any, **kwargs: Any) -> None:
            super().save(*args, **kwargs)

        class Meta:
            app_label = "testapp"

    class Loud(EventSourcedModel):
        id = models.UUIDField(primary_key=True, default=dict)

        def save(self, *args: Any, **kwargs: Any) -> None:
            super().save(*args, **kwargs)

        class Meta:
            app_label = "testapp"

    assert _plan(Silent) is not None
    assert _plan(Loud) is None


def test_who_listens_before_may_change_it() -> None:
    def before(sender: Any, instance: Any, **kwargs: Any) -> None:
        instance.name = "changed"

    pre_save.connect(before, sender=Patient)
    try:
        patient = Patient.objects.create(record_no="a", name="x")
    finally:
        pre_save.disconnect(before, sender=Patient)
    assert Patient.objects.get(pk=patient.pk).name == "changed"


def test_who_listens_to_instances_is_told() -> None:
    seen: list[Any] = []

    def after(sender: Any, instance: Any, **kwargs: Any) -> None:
        seen.append(instance)

    post_init.connect(after, sender=Patient)
    try:
        patient = Patient.objects.create(record_no="a")
    finally:
        post_init.disconnect(after, sender=Patient)
    assert seen == [patient]


def test_who_listens_afterwards_is_told_as_by_django() -> None:
    told: list[dict[str, Any]] = []

    def after(sender: Any, **kwargs: Any) -> None:
        adding = kwargs.pop("instance")._state.adding
        told.append({"sender": sender, "adding": adding, **kwargs})

    post_save.connect(after, sender=Patient)
    try:
        Patient.objects.create(record_no="a")
        Patient(record_no="b").save(force_insert=True)
    finally:
        post_save.disconnect(after, sender=Patient)
    assert told[0] == told[1]


def test_django_names_what_is_wrong() -> None:
    ward = Ward(name="not saved")
    user = _user()
    with pytest.raises(TypeError, match="unexpected keyword"):
        Patient.objects.create(record_no="a", nonsense=1)
    with pytest.raises(ValueError, match="unsaved related object"):
        Patient.objects.create(record_no="a", ward=ward)
    with pytest.raises(ValueError, match="must be a"):
        Patient.objects.create(record_no="a", ward=user)
    assert not Patient.objects.exists()


def test_a_proxy_and_a_given_key_are_as_ever() -> None:
    key = "15b2e7db-f51a-4fc9-9c6c-f21c55aa8d5e"
    assert Patient.objects.create(pk=key, record_no="a").pk == key
    assert type(VipPatient.objects.create(record_no="b")) is VipPatient
    with pytest.raises(IntegrityError), transaction.atomic():
        Patient.objects.create(id=key, record_no="c")
    assert store.verify().ok


def test_an_error_is_the_end_of_the_block(direct: None) -> None:
    Patient.objects.create(record_no="a")
    with pytest.raises(TransactionManagementError), transaction.atomic():
        with pytest.raises(IntegrityError):
            Patient.objects.create(record_no="a")
        Patient.objects.count()
    assert Patient.objects.count() == 1
    assert store.verify().ok


def _patch(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[Any]:
    """Note the instances that a method is called on from now on."""
    called: list[Any] = []
    original = getattr(owner, name)

    def noting(self: Any, *args: Any, **kwargs: Any) -> None:
        called.append(self)
        original(self, *args, **kwargs)

    monkeypatch.setattr(owner, name, noting)
    return called


@pytest.mark.parametrize(
    ("owner", "name"),
    [(Patient, "__init__"), (models.Model, "__init__"), (models.Model, "save")],
)
def test_what_is_put_in_djangos_place_is_called(
    owner: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Patient.objects.create(record_no="a")
    called = _patch(monkeypatch, owner, name)
    patient = Patient.objects.create(record_no="b")
    assert called == [patient]


@isolate_apps("tests.testapp")
def test_what_a_class_does_on_its_own_is_not_passed_by(registered: None) -> None:
    class Upper(DeferredAttribute):
        def __set__(self, instance: Any, value: Any) -> None:
            instance.__dict__[self.field.attname] = value.upper()

    class UpperField(models.CharField):  # type: ignore[type-arg]
        descriptor_class = Upper

    class Late:
        def __init__(self) -> None:
            self.late = True

    class Shouting(EventSourcedModel):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)
        name = UpperField(max_length=10)

        class Meta:
            app_label = "testapp"

    class Mixed(EventSourcedModel, Late):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)

        class Meta:
            app_label = "testapp"

    assert new_instance(Shouting, "default", {"name": "abc"}) is None
    assert new_instance(Mixed, "default", {}) is None


@isolate_apps("tests.testapp")
def test_a_default_that_changes_is_followed(registered: None) -> None:
    class Counted(EventSourcedModel):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)
        count = models.IntegerField(default=0)

        class Meta:
            app_label = "testapp"

    assert new_instance(Counted, "default", {}).count == 0  # type: ignore[union-attr]
    Counted._meta.get_field("count").default = 42
    del Counted._meta.get_field("count").__dict__["_get_default"]
    assert new_instance(Counted, "default", {}).count == 42  # type: ignore[union-attr]


def test_a_querysets_own_create_and_get_are_called() -> None:
    called: list[str] = []

    class Theirs(models.QuerySet):  # type: ignore[type-arg]
        def create(self, **kwargs: Any) -> Any:
            called.append("create")
            return super().create(**kwargs)

        def get(self, *args: Any, **kwargs: Any) -> Any:
            called.append("get")
            return super().get(*args, **kwargs)

    class Journalled(EventStoreQuerySetMixin, Theirs):
        pass

    patient = Journalled(Patient).create(record_no="a")
    assert Journalled(Patient).get(pk=patient.pk) == patient
    assert called == ["create", "get"]


def test_a_router_may_refuse_a_relation() -> None:
    class Separate:
        def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
            return False

    user = _user()
    refused = pytest.raises(ValueError, match="router prevents")
    with override_settings(DATABASE_ROUTERS=[Separate()]), refused:
        Session.objects.create(user=user, expires_at=user.date_joined)


def test_the_error_of_the_block_is_named() -> None:
    Patient.objects.create(record_no="a")
    with pytest.raises(TransactionManagementError) as caught, transaction.atomic():
        with pytest.raises(IntegrityError):
            Patient.objects.create(record_no="a")
        Patient.objects.count()
    assert isinstance(caught.value.__cause__, IntegrityError)


def test_a_value_that_is_none_at_all() -> None:
    assert new_instance(Patient, "default", {"name": models.DEFERRED}) is None


def _user() -> Any:
    return User.objects.create(username="ada", email="ada@example.org")
