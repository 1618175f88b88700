"""Values as they come back: never shared, never other than what the database would have given."""

from __future__ import annotations

import enum
import math
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test import override_settings
from django.utils import timezone

from django_jazzauth.errors import SealBroken, ValueNotStorable
from django_jazzauth.store import store
from tests.testapp.models import Patient, Treatment

pytestmark = pytest.mark.django_db


class Status(str, enum.Enum):  # noqa: UP042 - the older form, which differs
    OPEN = "open"


def make(**values: Any) -> Patient:
    return Patient.objects.create(record_no=uuid.uuid4().hex[:12], **values)


def column(table: str, name: str, value: Any, pk: Any, model: Any = Patient) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {name} = %s WHERE {model._meta.pk.column} = %s",
            [value, model._meta.pk.get_db_prep_value(pk, connection)],
        )


def test_json_taken_over_from_another_writer_can_be_changed_in_place() -> None:
    made = make(extra={"a": 1}, notes="x")
    other = Patient.objects.get(pk=made.pk)
    other.extra["b"] = 2
    other.save()
    made.notes = "y"
    made.save()
    assert made.extra == {"a": 1, "b": 2}
    made.extra["c"] = 3
    made.save()
    assert Patient.objects.get(pk=made.pk).extra == {"a": 1, "b": 2, "c": 3}


def test_json_is_never_shared_between_instances() -> None:
    pk = make(extra={"a": []}).pk
    one, two = Patient.objects.get(pk=pk), Patient.objects.get(pk=pk)
    one.extra["a"].append(1)
    assert two.extra == {"a": []}
    assert Patient.objects.get(pk=pk).extra == {"a": []}
    one.save()
    assert Patient.objects.get(pk=pk).extra == {"a": [1]}


def test_decimals_are_rounded_as_the_column_rounds_them() -> None:
    made = Treatment.objects.create(price=Decimal("1.239"), dose=Decimal("2.555"))
    loaded = Treatment.objects.get(pk=made.pk)
    assert (loaded.price, loaded.dose) == (Decimal("1.24"), Decimal("2.56"))
    Treatment.objects.update(price=Decimal("3.333"))
    assert Treatment.objects.get(pk=made.pk).price == Decimal("3.33")
    with pytest.raises(ValueNotStorable), transaction.atomic():
        Treatment.objects.create(dose=Decimal("123456.1"))
    assert store.verify().ok


def test_text_enumerations_are_kept_as_their_text() -> None:
    made = Treatment.objects.create(status=Status.OPEN, code=Status.OPEN)
    loaded = Treatment.objects.get(pk=made.pk)
    assert (loaded.status, loaded.code) == ("open", "open")
    assert Treatment.objects.get(code=Status.OPEN).pk == made.pk


@pytest.mark.skipif(connection.vendor != "postgresql", reason="others have no NaN")
def test_not_a_number_can_be_loaded_again() -> None:
    made = Treatment.objects.create(factor=float("nan"))
    assert math.isnan(Treatment.objects.get(pk=made.pk).factor)


def test_hooks_of_the_model_run_on_every_way_to_load() -> None:
    pk = Treatment.objects.create(status="old").pk
    for loaded in (
        Treatment.objects.get(pk=pk),
        Treatment.objects.filter(pk=pk).get(),
        next(iter(Treatment.objects.all())),
        Treatment.objects.only("status").get(pk=pk),
    ):
        assert loaded.status_before == "old"
        assert loaded.came_from == "default"


def test_what_was_loaded_in_report_mode_is_checked_again_in_refuse_mode(settings: Any) -> None:
    made = make(visits=1)
    column("testapp_patient", "visits", 7, made.pk)
    with override_settings(JAZZAUTH={**settings.JAZZAUTH, "TAMPERED": "report"}):
        assert Patient.objects.get(pk=made.pk).visits == 1
        assert Patient.objects.get(pk=made.pk).visits == 1
    with pytest.raises(SealBroken):
        Patient.objects.get(pk=made.pk)


def test_an_expression_does_not_launder_a_changed_column() -> None:
    made = make(visits=1)
    loaded = Patient.objects.get(pk=made.pk)
    column("testapp_patient", "visits", 1000, made.pk)
    with pytest.raises(SealBroken), transaction.atomic():
        Patient.objects.filter(pk=made.pk).update(visits=F("visits") + 1)
    loaded.visits = F("visits") + 1
    with pytest.raises(SealBroken), transaction.atomic():
        loaded.save()
    assert store.history(made)[-1].version == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="others have types")
@pytest.mark.parametrize("name", ["seen_at", "visits", "active", "owner_id", "ward_id"])
def test_a_column_of_another_type_is_a_broken_seal(name: str) -> None:
    made = make(visits=1, seen_at=timezone.now())
    with transaction.atomic():
        column("testapp_patient", name, "garbage", made.pk)
        for load in (
            lambda: Patient.objects.get(pk=made.pk),
            lambda: Patient.objects.filter(pk=made.pk).get(),
        ):
            with pytest.raises(SealBroken):
                load()
        assert {p.code for p in store.verify().problems} == {"COLUMN_DIFFERS"}
        transaction.set_rollback(True)


def test_keys_beyond_every_column_find_nothing() -> None:
    with pytest.raises(Treatment.DoesNotExist):
        Treatment.objects.get(pk=2**70)
    assert not Treatment.objects.filter(pk=2**70).exists()


def test_values_stay_out_of_representations() -> None:
    made = make(name="MarkedName", notes="MarkedNotes")
    loaded = Patient.objects.get(pk=made.pk)
    snapshot = loaded._state.sealed
    for shown in (snapshot, snapshot.opened, snapshot.opened.head, *store.history(made)):
        assert "Marked" not in repr(shown)


def test_raw_queries_give_checked_instances() -> None:
    made = make(name="x", visits=3)
    (loaded,) = Patient.objects.raw("SELECT * FROM testapp_patient")
    assert (loaded.name, loaded.record_no, loaded.visits) == ("x", made.record_no, 3)
    (partial,) = Patient.objects.raw("SELECT id, name FROM testapp_patient")
    assert partial.name == "x"
    assert partial.visits == 3
