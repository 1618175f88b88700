"""A row loads while the log has nothing newer of it; who waits for its lock is not refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps.registry import Apps
from django.db import connection, models, transaction
from django.db.models import FilteredRelation, Q

from django_jazzauth.errors import SealBroken
from django_jazzauth.sealed.current_head import current_head_sql
from django_jazzauth.store import store
from tests.sealed.meanwhile import Meanwhile
from tests.testapp.models import Letter, Patient


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="it locks no rows")
@pytest.mark.parametrize("looked_before", [False, True])
def test_who_waits_for_the_lock_of_a_row_gets_the_row_as_it_is_then(looked_before: bool) -> None:
    made = Patient.objects.create(record_no="1", name="new")
    seen = []

    def select() -> None:
        with transaction.atomic():
            if looked_before:
                Patient.objects.get(pk=made.pk)
            seen.extend(Patient.objects.select_for_update().filter(visits=0).order_by("record_no"))
            seen.append(Patient.objects.select_for_update().get(pk=made.pk))

    other = Meanwhile(select)
    with transaction.atomic():
        for name in ("changed", "changed again"):
            made.name = name
            made.save()
        Patient.objects.create(record_no="2", name="made meanwhile")
        other.starts_and_waits()
    assert other.ends() is None
    assert {found.name for found in seen} <= {"changed again", "made meanwhile"}
    assert [found.name for found in seen if found.pk == made.pk] == ["changed again"] * 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "mysql", reason="others show row and log alike")
def test_a_locked_row_may_be_newer_than_all_that_is_seen_of_the_log() -> None:
    Patient.objects.create(record_no="0")
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    try:
        with transaction.atomic():
            assert Patient.objects.count() == 1  # from here on, the log is seen as it is now
            maker = Meanwhile(lambda: Patient.objects.create(record_no="1", name="made meanwhile"))
            maker.starts()
            assert maker.ends() is None
            assert Patient.objects.select_for_update().get(record_no="1").name == "made meanwhile"
    finally:
        connection.close()


def put_back(patient: Patient, head: bytes) -> None:
    key = Patient._meta.pk.get_db_prep_value(patient.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_patient SET head = %s WHERE id = %s", [head, key])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "ask",
    [
        lambda: list(Patient.objects.filter(notes="old")),
        lambda: Patient.objects.filter(notes="old").exists(),
        lambda: Patient.objects.filter(notes__contains="ol").count(),
        lambda: list(Patient.objects.filter(notes="old").values_list("visits")),
        lambda: list(Patient.objects.order_by("notes").values_list("notes")),
    ],
)
def test_an_old_head_answers_no_scan_either(ask: Callable[[], object]) -> None:
    made = Patient.objects.create(record_no="1", notes="old")
    old = made.head
    made.notes = "new"
    made.save()
    put_back(made, old)
    with pytest.raises(SealBroken):
        ask()


@pytest.mark.django_db
def test_what_does_not_fit_is_reported_after_a_save_as_before(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    made = Patient.objects.create(record_no="1", visits=1)
    settings.JAZZAUTH = {**settings.JAZZAUTH, "TAMPERED": "report"}
    with connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_patient SET visits = 7")
    found = Patient.objects.get(pk=made.pk)
    found.notes = "changed"
    found.save()
    caplog.clear()
    assert Patient.objects.get(pk=made.pk).visits == 1
    assert "visits" in caplog.text


@pytest.mark.django_db
def test_a_relation_may_be_called_as_the_log_is_in_a_query() -> None:
    made = Patient.objects.create(record_no="1")
    Letter.objects.create(patient=made)
    for name in ("e", "jazzauth_event"):
        joined = {name: FilteredRelation("patient", condition=Q(patient__visits=0))}
        (letter,) = Letter.objects.annotate(**joined).select_related(name)
        assert getattr(letter, name) == made


def sql_of(field: models.Field[Any, Any]) -> str:
    """What is selected as the head of a model with such a key."""

    class Keyed(models.Model):
        id = field

        class Meta:
            app_label = "unregistered"
            apps = Apps()

    head = SimpleNamespace(model=Keyed, entity="a\\'b%c")  # an event-sourced one would be known
    return current_head_sql(connection, head, '"t"."id"', '"t"."head"')


class Prefixed(models.CharField):  # type: ignore[type-arg]
    """A key that is another text in SQL."""

    def from_db_value(self, value: Any, *args: Any) -> Any:
        return f"usr_{value}"


class ShortUUID(models.UUIDField):  # type: ignore[type-arg]
    """A key that is stored without hyphens."""

    def db_type(self, connection: Any) -> str:
        return "char(32)"


def test_only_keys_that_sql_writes_as_the_log_does_are_looked_for() -> None:
    plain = '"t"."head"'
    assert sql_of(models.CharField(max_length=9, primary_key=True)).startswith("CASE")
    assert sql_of(models.BigAutoField(primary_key=True)).startswith("CASE")
    assert sql_of(models.UUIDField(primary_key=True)).startswith("CASE")
    for field in (Prefixed(max_length=9), ShortUUID(), models.DecimalField(), models.DateField()):
        field.primary_key = True
        assert sql_of(field) == plain


@pytest.mark.django_db
def test_the_name_of_an_entity_is_text_in_sql() -> None:
    sql = sql_of(models.CharField(max_length=9, primary_key=True))
    literal = re.search(r"'a(?:[^']|'')*/'", sql)
    assert literal is not None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {literal[0]}", [])
        assert cursor.fetchone()[0] == "a\\'b%c/"


@pytest.mark.django_db
def test_without_any_log_nothing_loads() -> None:
    made = Patient.objects.create(record_no="1", name="new")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM jazzauth_event WHERE stream = %s", [f"patient/{made.pk}"])
    with pytest.raises(SealBroken):
        Patient.objects.get(pk=made.pk)
    with pytest.raises(SealBroken):
        list(Patient.objects.all())
    assert not store.verify().ok
