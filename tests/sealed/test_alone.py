"""Deletions without Django's collecting: only where nothing would go along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import PROTECT, ProtectedError
from django.db.models.signals import post_delete, pre_delete
from django.test.utils import CaptureQueriesContext

from django_jazzauth.store import store
from tests.testapp.models import LabTreatment, Letter, Patient, Tag, Treatment, VipPatient, Ward

User: Any = get_user_model()

pytestmark = pytest.mark.django_db


def statements(do: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        do()
    return [q["sql"].split()[0] for q in queries if q["sql"].startswith(("SELECT EX", "DELETE"))]


def test_it_is_asked_once_who_refers_to_it() -> None:
    user = User.objects.create_user("alone", "alone@example.com")
    pk = user.pk
    assert statements(user.delete) == ["SELECT", "DELETE"]
    assert user.pk is None
    assert [event.type for event in store.history(User, pk=pk)] == ["created", "deleted"]


def test_what_it_returns() -> None:
    user = User.objects.create_user("alone", "alone@example.com")
    assert user.delete() == (1, {"django_jazzauth.User": 1})
    vip = VipPatient.objects.create(record_no="vip")
    assert vip.delete() == (1, {"testapp.VipPatient": 1})


def test_a_row_that_is_gone_already() -> None:
    ward = Ward.objects.create(name="a")
    Ward.objects.get(pk=ward.pk).delete()
    assert ward.delete() == (0, {})


def test_whatever_refers_to_it_goes_along() -> None:
    user = User.objects.create_user("somebody", "somebody@example.com")
    patient = Patient.objects.create(record_no="one", owner=user)
    patient.tags.add(Tag.objects.create(label="a"))
    Letter.objects.create(patient=patient)
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(
        user=user, content_type=kind, object_id="1", object_repr="x", action_flag=CHANGE
    )
    assert user.delete()[1] == {
        "testapp.Letter": 1,
        "testapp.Patient_tags": 1,
        "testapp.Patient": 1,
        "admin.LogEntry": 1,
        "django_jazzauth.User": 1,
    }
    assert store.verify().ok


def test_whatever_points_at_it_is_set_to_null() -> None:
    ward = Ward.objects.create(name="a")
    patient = Patient.objects.create(record_no="one", ward=ward)
    ward.delete()
    assert Patient.objects.get(pk=patient.pk).ward is None
    assert store.verify().ok


def test_a_child_row_goes_with_its_parent() -> None:
    lab = LabTreatment.objects.create(code="a", lab="b")
    Treatment.objects.get(pk=lab.pk).delete()
    assert not LabTreatment.objects.exists()
    assert store.verify().ok


def test_what_a_receiver_adds_goes_along(request: Any) -> None:
    patient = Patient.objects.create(record_no="one")

    def add(sender: Any, instance: Any, **kwargs: Any) -> None:
        Letter.objects.create(patient=instance, subject="farewell")

    pre_delete.connect(add, sender=Patient)
    request.addfinalizer(lambda: pre_delete.disconnect(add, sender=Patient))
    # As with Django: the letters of a patient go without being looked at first.
    assert patient.delete()[1] == {"testapp.Letter": 1, "testapp.Patient": 1}


def test_signals_are_sent(request: Any) -> None:
    sent: list[Any] = []

    def note(sender: Any, instance: Any, origin: Any, using: str, **kwargs: Any) -> None:
        sent.append((sender, instance.pk, origin is instance, using))

    post_delete.connect(note, sender=User)
    request.addfinalizer(lambda: post_delete.disconnect(note, sender=User))
    user = User.objects.create_user("alone", "alone@example.com")
    pk = user.pk
    user.delete()
    assert sent == [(User, pk, True, "default")]


def test_what_is_protected_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Patient._meta.get_field("ward").remote_field, "on_delete", PROTECT)
    ward = Ward.objects.create(name="a")
    Patient.objects.create(record_no="one", ward=ward)
    with pytest.raises(ProtectedError):
        ward.delete()
    assert Ward.objects.filter(pk=ward.pk).exists()
