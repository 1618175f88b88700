"""``save()`` without a queryset: what it must still leave to Django, and what it must not do."""

from __future__ import annotations

from dataclasses import replace
from types import MethodType
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F, Value
from django.db.models.functions import Upper
from django.db.models.signals import post_save, pre_save

from django_jazzauth.sealed.binding import require_binding
from django_jazzauth.sealed.saving_plan import saving_plan
from django_jazzauth.store import store
from tests.testapp.models import LabTreatment, Patient, Treatment, Ward

pytestmark = pytest.mark.django_db


def types(model: Any, pk: Any) -> list[str]:
    return [event.type for event in store.history(model, pk=pk)]


def test_a_row_that_is_gone_is_made_again() -> None:
    ward = Ward.objects.create(name="a")
    Ward.objects.get(pk=ward.pk).delete()
    ward.name = "b"
    ward.save()
    assert Ward.objects.get(pk=ward.pk).name == "b"
    assert types(Ward, ward.pk) == ["created", "deleted", "created"]
    assert store.verify().ok


@pytest.mark.parametrize("how", [{"update_fields": ["name"]}, {"force_update": True}])
def test_a_row_that_is_gone_is_not_updated(how: dict[str, Any]) -> None:
    ward = Ward.objects.create(name="a")
    Ward.objects.get(pk=ward.pk).delete()
    ward.name = "b"
    with pytest.raises(DatabaseError, match="did not affect any rows"), transaction.atomic():
        ward.save(**how)
    assert types(Ward, ward.pk) == ["created", "deleted"]


def test_only_the_named_fields_are_saved() -> None:
    patient = Patient.objects.create(record_no="one", name="a", visits=1)
    patient.name, patient.visits = "b", 2
    patient.save(update_fields=["name"])
    found = Patient.objects.get(pk=patient.pk)
    assert (found.name, found.visits) == ("b", 1)
    patient.save(update_fields=["owner_id"])  # by attname, and nothing changed
    assert len(store.history(Patient, pk=patient.pk)) == 2


def test_what_was_deferred_stays() -> None:
    pk = Patient.objects.create(record_no="one", name="a", visits=1).pk
    patient = Patient.objects.only("name").get(pk=pk)
    patient.name = "b"
    patient.save()
    found = Patient.objects.get(pk=pk)
    assert (found.name, found.visits, found.record_no) == ("b", 1, "one")


def test_expressions_are_still_evaluated() -> None:
    patient = Patient.objects.create(record_no="one", name=Upper(Value("a")), visits=1)
    assert patient.name == "A"
    patient.visits = F("visits") + 1
    patient.save()
    assert Patient.objects.get(pk=patient.pk).visits == 2


def test_a_key_that_was_given_finds_its_row() -> None:
    ward = Ward.objects.create(name="a", beds=3)
    Ward(pk=ward.pk, name="b").save()
    found = Ward.objects.get(pk=ward.pk)
    assert (found.name, found.beds) == ("b", 10)
    assert types(Ward, ward.pk) == ["created", "updated"]


def test_a_key_with_a_default_is_inserted_at_once() -> None:
    patient = Patient.objects.create(record_no="one")
    with pytest.raises(IntegrityError):  # as Django's: with a default key, new means new
        Patient(pk=patient.pk, record_no="two").save()


def test_none_as_a_key_gets_its_default() -> None:
    patient = Patient(pk=None, record_no="one")
    patient.save()
    assert patient.pk is not None
    assert Patient.objects.get(pk=patient.pk).record_no == "one"


def test_a_child_saves_both_of_its_tables() -> None:
    lab = LabTreatment(code="a", lab="b")
    lab.save()
    lab.code, lab.lab = "c", "d"
    lab.save()
    found = LabTreatment.objects.get(pk=lab.pk)
    assert (found.code, found.lab) == ("c", "d")
    assert types(Treatment, lab.pk) == ["created", "updated"]
    assert store.verify().ok


def test_signals_are_sent(request: Any) -> None:
    sent: list[Any] = []

    def before(sender: Any, instance: Any, raw: bool, update_fields: Any, **kwargs: Any) -> None:
        sent.append(("before", raw, update_fields))

    def after(sender: Any, instance: Any, created: bool, update_fields: Any, **kwargs: Any) -> None:
        sent.append(("after", created, update_fields))

    for signal, receiver in ((pre_save, before), (post_save, after)):
        signal.connect(receiver, sender=Ward)
        request.addfinalizer(lambda s=signal, r=receiver: s.disconnect(r, sender=Ward))
    ward = Ward(name="a")
    ward.save()
    ward.name = "b"
    ward.save(update_fields=["name"])
    names = frozenset({"name"})
    assert sent == [
        *[("before", False, None), ("after", True, None)],
        *[("before", False, names), ("after", False, names)],
    ]


def test_a_field_is_asked_once_for_what_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    ward = Ward.objects.create(name="a", beds=1)
    asked: list[bool] = []
    field = Ward._meta.get_field("name")
    plan = saving_plan(require_binding(Ward))
    of_class = type(field).pre_save

    def spy(self: Any, instance: Any, add: bool) -> Any:
        asked.append(add)
        return of_class(field, instance, add)

    monkeypatch.setattr(field, "pre_save", MethodType(spy, field), raising=False)
    monkeypatch.setitem(
        require_binding(Ward).__dict__, "saving_plan", replace(plan, deciding=frozenset({"name"}))
    )
    ward.name = "b"
    ward.save()
    assert asked == [False]
    ward.beds = F("beds") + 1
    ward.save()
    assert asked == [False] * 2
    ward.refresh_from_db()
    assert (ward.name, ward.beds) == ("b", 2)
    Ward.objects.get(pk=ward.pk).delete()
    ward.save()
    assert asked == [False, False, False, True]


def _elsewhere(patient: Patient, **values: Any) -> None:
    """Another writer, who has the row as it is now."""
    other = Patient.objects.get(pk=patient.pk)
    for name, value in values.items():
        setattr(other, name, value)
    other.save()


def test_what_others_wrote_is_seen_after_a_deferred_field_was_read() -> None:
    pk = Patient.objects.create(record_no="a", visits=0, notes="x").pk
    patient = Patient.objects.defer("notes").get(pk=pk)
    _elsewhere(patient, visits=3)
    assert patient.notes == "x"
    patient.notes = "y"
    patient.save()
    assert patient.visits == 3
    patient.visits = 0
    patient.save()
    assert Patient.objects.get(pk=pk).visits == 0


def test_an_old_value_is_written_after_a_refresh_of_others() -> None:
    patient = Patient.objects.create(record_no="a", visits=0, name="x")
    _elsewhere(patient, visits=4)
    patient.refresh_from_db(fields=["name"])
    patient.name = "y"
    patient.save(update_fields=["name"])
    patient.visits = 0
    patient.save()
    assert Patient.objects.get(pk=patient.pk).visits == 0


def test_a_pending_change_that_is_taken_back_after_a_merge() -> None:
    patient = Patient.objects.create(record_no="a", visits=0, name="x")
    _elsewhere(patient, visits=3)
    patient.visits, patient.name = 7, "y"
    patient.save(update_fields=["name"])  # merged; the visits stay a pending change
    patient.visits = 0  # taken back
    patient.name = "z"
    patient.save(update_fields=["name"])
    assert patient.visits == 3
    patient.visits = 0
    patient.save()
    assert Patient.objects.get(pk=patient.pk).visits == 0


def test_json_and_companions_after_a_refresh_of_others() -> None:
    patient = Patient.objects.create(record_no="a", extra={"a": 1}, email="a@example.org")
    _elsewhere(patient, extra={"a": 2}, email="b@example.org")
    patient.refresh_from_db(fields=["name"])
    patient.name = "y"
    patient.save()
    assert (patient.extra, patient.email) == ({"a": 2}, "b@example.org")
    found = Patient.objects.get(pk=patient.pk)
    assert patient.email_folded == found.email_folded
