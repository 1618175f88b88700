"""Odd but legal uses of the ORM on sealed fields (found by comparing with plain twins)."""

from __future__ import annotations

import datetime
import pickle
from decimal import Decimal
from typing import Any

import pytest
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.db import connection, transaction
from django.db.models import (
    Case,
    CharField,
    Count,
    F,
    Max,
    OuterRef,
    Prefetch,
    Q,
    Subquery,
    Value,
    When,
    Window,
)
from django.db.models.functions import Coalesce, Length, Lower, Right, RowNumber, Upper
from django.utils.safestring import mark_safe

from django_jazzauth.errors import JazzAuthError, ScanRefused
from django_jazzauth.store import store
from tests.testapp.models import Letter, Patient, Scored, Tag, Ward

pytestmark = pytest.mark.django_db
REFUSED = (FieldError, ScanRefused)


@pytest.fixture
def patients() -> dict[str, Patient]:
    ward = Ward.objects.create(name="North")
    rows = [("p1", "Ana", "Ana@Example.com"), ("p2", "Ben", ""), ("p3", "Ana", "zoe@example.org")]
    return {
        no: Patient.objects.create(record_no=no, name=name, email=email, visits=n, ward=ward)
        for n, (no, name, email) in enumerate(rows, 1)
    }


def right_or_refused(query: Any, right: Any) -> None:
    """Law 5: a wrong answer is the one thing that must not come back."""
    try:
        with transaction.atomic():
            answer = query()
    except REFUSED:
        return
    assert answer == right


def test_sealed_fields_of_other_types_load(patients: Any) -> None:
    born, weight = datetime.date(2000, 1, 2), Decimal("70.50")
    Patient.objects.filter(visits=1).update(born=born, weight=weight)
    assert [p.born for p in Patient.objects.order_by("visits")] == [born, None, None]
    assert list(Patient.objects.filter(visits=1).values_list("born", "weight")) == [(born, weight)]
    assert Patient.objects.filter(born__in=Patient.objects.values("born")).count() == 1
    Patient.objects.get(visits=1).full_clean()


def test_exclude_iexact_keeps_empty_text(patients: Any) -> None:
    rows = Patient.objects.exclude(email__iexact="ana@example.com")
    assert sorted(p.visits for p in rows) == [2, 3]
    for patient in patients.values():
        Letter.objects.create(patient=patient)
    assert Letter.objects.exclude(patient__email__iexact="ana@example.com").count() == 2


def test_expressions_in_a_list(patients: Any) -> None:
    Patient.objects.filter(visits=2).update(notes="Ben")
    right_or_refused(
        lambda: [p.visits for p in Patient.objects.filter(name__in=[F("notes"), "x"])], [2]
    )
    Patient.objects.filter(visits=2).update(notes="p2")
    right_or_refused(
        lambda: [p.visits for p in Patient.objects.filter(record_no__in=[F("notes")])], [2]
    )


def test_in_takes_the_characters_of_a_text(patients: Any) -> None:
    assert Patient.objects.filter(name__in="Ana").count() == 0


def test_ties_go_to_the_next_key(patients: Any) -> None:
    rows = Patient.objects.order_by("name", "-visits").values_list("name", "visits")
    assert list(rows) == [("Ana", 3), ("Ana", 1), ("Ben", 2)]
    rows = Patient.objects.order_by("-name", "visits").values_list("name", "visits")
    assert list(rows) == [("Ben", 2), ("Ana", 1), ("Ana", 3)]
    named = Patient.objects.annotate(z=F("name")).order_by("z", "-visits")
    assert [p.visits for p in named] == [3, 1, 2]


@pytest.mark.parametrize("name", ["name", "record_no"])
def test_sealed_values_against_a_plain_column(patients: Any, name: str) -> None:
    Letter.objects.create(patient=patients["p1"], subject=getattr(patients["p1"], name))
    right_or_refused(
        lambda: Letter.objects.filter(subject__in=Patient.objects.values(name)).count(), 1
    )
    inner = Patient.objects.filter(pk=OuterRef("patient")).values(name)[:1]
    right_or_refused(lambda: Letter.objects.filter(subject=Subquery(inner)).count(), 1)


@pytest.mark.parametrize("name", ["name", "record_no"])
def test_union_with_another_field(patients: Any, name: str) -> None:
    Letter.objects.create(patient=patients["p1"], subject="s")
    sealed, plain = Patient.objects.values_list(name), Letter.objects.values_list("subject")
    right = {("s",)} | {(getattr(p, name),) for p in patients.values()}
    right_or_refused(lambda: set(plain.union(sealed)), right)
    right_or_refused(lambda: set(sealed.union(plain)), right)
    joined = Letter.objects.values_list(f"patient__{name}")
    letters = {("s",), (getattr(patients["p1"], name),)}
    right_or_refused(lambda: set(plain.union(joined)), letters)
    right_or_refused(lambda: set(joined.union(plain)), letters)
    right_or_refused(lambda: list(joined.union(joined, all=True)), [*(letters - {("s",)})] * 2)
    other = Patient.objects.values_list("email")
    emails = {(p.email,) for p in patients.values()}
    right_or_refused(lambda: set(sealed.union(other)), right - {("s",)} | emails)
    whole = Patient.objects.filter(visits=1).union(Patient.objects.filter(visits=2))
    right_or_refused(lambda: [p.visits for p in whole.order_by("name")], [1, 2])


def test_set_operations_compare_values(patients: Any) -> None:
    names = Patient.objects.values_list("name", flat=True)
    right_or_refused(lambda: list(names.difference(names.filter(visits=3))), ["Ben"])
    right_or_refused(
        lambda: list(names.filter(visits=1).intersection(names.filter(visits=3))), ["Ana"]
    )


def test_raw(patients: Any) -> None:
    table = Patient._meta.db_table
    rows = Patient.objects.raw(f"SELECT * FROM {table} ORDER BY visits")
    assert [(p.name, p.record_no) for p in rows] == [("Ana", "p1"), ("Ben", "p2"), ("Ana", "p3")]


def test_sliced_subquery_of_the_same_field(patients: Any) -> None:
    if connection.vendor == "mysql":
        pytest.skip("MariaDB has no LIMIT within IN")
    inner = Patient.objects.order_by("record_no").values("record_no")[:2]
    right_or_refused(lambda: Patient.objects.filter(record_no__in=inner).count(), 2)


def test_functions_do_not_compute_on_ranks(patients: Any) -> None:
    Patient.objects.filter(visits=2).update(name="ana maria")
    for key in (Length("name"), Coalesce("name", Value("x")), Lower("name")):
        right_or_refused(
            lambda key=key: [p.visits for p in Patient.objects.order_by(key, "visits")], [1, 3, 2]
        )


def test_distinct_on(patients: Any) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("DISTINCT ON is PostgreSQL's")
    rows = Patient.objects.order_by("email").distinct("email")
    right_or_refused(lambda: len(rows), 3)


def test_null_equals_nothing(patients: Any) -> None:
    assert Patient.objects.filter(born=F("born")).count() == 0


def test_range_with_null(patients: Any) -> None:
    assert Patient.objects.filter(name__range=("A", None)).count() == 0


def test_right(patients: Any) -> None:
    Patient.objects.filter(visits=2).update(name=Right("name", 2))
    assert Patient.objects.get(visits=2).name == "en"


def test_update_from_a_condition(patients: Any) -> None:
    Patient.objects.update(active=Q(name="Ana"))
    assert [p.active for p in Patient.objects.order_by("visits")] == [True, False, True]


@pytest.mark.parametrize("column", ["head", "email_folded"])
def test_update_of_what_is_not_ours_to_write(patients: Any, column: str) -> None:
    with pytest.raises((JazzAuthError, FieldError)):
        Patient.objects.update(**{column: b"x"})


def test_update_from_an_annotation(patients: Any) -> None:
    def run() -> str:
        Patient.objects.annotate(z=F("visits") + 1).filter(visits=1).update(notes=F("z"))
        return Patient.objects.get(visits=1).notes

    right_or_refused(run, "2")


def test_a_scanning_query_pickles(patients: Any) -> None:
    rows = Patient.objects.filter(name__icontains="ben")
    again = Patient.objects.all()
    again.query = pickle.loads(pickle.dumps(rows.query))
    assert [p.visits for p in again] == [2]


def test_a_member_row_that_moves(patients: Any) -> None:
    tag = Tag.objects.create(label="red")
    patients["p1"].tags.add(tag)
    row = Patient.tags.through.objects.get()
    row.patient_id = patients["p2"].pk
    row.save()
    assert store.verify().problems == []


def test_typed_precision(patients: Any) -> None:
    made = Patient.objects.create(record_no="w", weight=Decimal("1.5"))
    assert str(Patient.objects.get(pk=made.pk).weight) == "1.50"


def test_get_beyond_the_column(patients: Any) -> None:
    with pytest.raises(Ward.DoesNotExist):
        Ward.objects.get(pk=10**30)


def test_functions_over_subqueries(patients: Any) -> None:
    Letter.objects.create(patient=patients["p1"])
    inner = Patient.objects.filter(pk=OuterRef("patient"))
    for name in ("record_no", "name"):
        value = Coalesce(Subquery(inner.values(name)[:1]), Value("none"))
        right = getattr(patients["p1"], name)
        right_or_refused(lambda v=value: Letter.objects.annotate(z=v).get().z, right)


@pytest.mark.parametrize("name", ["record_no", "name", "weight"])
def test_a_subquerys_value_is_only_returned(patients: Any, name: str) -> None:
    Patient.objects.filter(visits=1).update(weight=Decimal("7.00"))
    Letter.objects.create(patient=patients["p1"])
    own = Patient.objects.filter(pk=OuterRef("patient"))
    none = own.filter(visits=99)
    letters = Letter.objects.annotate(z=Subquery(own.values(name)[:1]))
    right = getattr(Patient.objects.get(visits=1), name)
    assert letters.get().z == right
    assert Letter.objects.annotate(z=Subquery(none.values(name)[:1])).get().z is None
    text = CharField()
    for query in (
        lambda: letters.order_by("z")[0].z,
        lambda: letters.order_by(F("z").desc())[0].z,
        lambda: letters.order_by(Lower("z"))[0].z,
        lambda: letters.filter(z=right).get().z,
        lambda: letters.annotate(y=Upper("z")).get().y,
        lambda: letters.aggregate(y=Max("z"))["y"],
    ):
        with pytest.raises(REFUSED, match=name), transaction.atomic():
            query()
    for inner in (own, none):
        value = Subquery(inner.values(name)[:1])
        for expression in (
            Coalesce(value, Value("none"), output_field=text),
            Upper(value),
            Case(When(pk__gt=0, then=value), default=Value(""), output_field=text),
        ):
            with pytest.raises(REFUSED, match=name), transaction.atomic():
                Letter.objects.annotate(z=expression).get()


def test_a_subquerys_value_is_compared_only_where_equal_ones_are_alike(patients: Any) -> None:
    for patient in patients.values():
        Letter.objects.create(patient=patient)
    own = Patient.objects.filter(pk=OuterRef("patient"))
    letters = Letter.objects.annotate(z=Subquery(own.values("name")[:1])).values("z")
    for query in (letters.distinct(), letters.annotate(n=Count("pk"))):
        with pytest.raises(REFUSED, match="searchable"), transaction.atomic():
            list(query)
    counted = Letter.objects.annotate(z=Subquery(own.values("name")[:1]), n=Count("patient__tags"))
    assert sorted(letter.z for letter in counted) == ["Ana", "Ana", "Ben"]
    emails = Letter.objects.annotate(z=Subquery(own.values("email")[:1])).values("z")
    assert len(emails.distinct()) == 3


def test_a_plain_models_query_as_a_subquery(patients: Any) -> None:
    for patient in patients.values():
        Letter.objects.create(patient=patient, subject=patient.record_no)
    numbers = Letter.objects.values("patient__record_no")
    names = Letter.objects.values("patient__name")
    assert Patient.objects.filter(record_no__in=numbers).count() == 3
    assert numbers.distinct().count() == 3
    assert Letter.objects.values("patient__email").distinct().count() == 3
    for inner in (numbers, names):
        with pytest.raises(REFUSED, match="sealed"), transaction.atomic():
            Letter.objects.filter(subject__in=inner).count()
    own = Letter.objects.filter(pk=OuterRef("pk"))
    rows = Letter.objects.annotate(z=Subquery(own.values("patient__name")[:1]))
    assert sorted(row.z for row in rows) == ["Ana", "Ana", "Ben"]
    for query in (
        lambda: rows.order_by("z")[0],
        lambda: rows.filter(z="Ana").count(),
        lambda: rows.aggregate(Max("z")),
        lambda: Letter.objects.annotate(z=F("patient__record_no")).aggregate(Max("z")),
    ):
        with pytest.raises(REFUSED, match="sealed"), transaction.atomic():
            query()


def test_a_subquery_over_a_searchable_number() -> None:
    made = [Scored.objects.create(score=n) for n in (5, 5, 7)]
    same = Scored.objects.filter(score=OuterRef("score")).order_by().values("score")[:1]
    rows = Scored.objects.annotate(z=Subquery(same)).order_by("pk")
    assert [row.z for row in rows] == [5, 5, 7]
    inner = Scored.objects.filter(pk=made[2].pk).values("score")
    assert Scored.objects.filter(score=Subquery(inner[:1])).get().score == 7
    assert Scored.objects.filter(score__in=inner).count() == 1
    assert list(Scored.objects.values_list("score", flat=True).distinct().order_by("score")) == [
        5,
        7,
    ]


def test_ordering_an_empty_table() -> None:
    assert list(Patient.objects.order_by("name")) == []
    assert Patient.objects.order_by("born").first() is None


def test_windows_and_sliced_prefetch(
    patients: Any,
) -> None:
    ranked = Patient.objects.annotate(n=Window(RowNumber(), order_by=F("visits").desc()))
    assert sorted(p.visits for p in ranked.filter(n__lte=2)) == [2, 3]
    newest = Prefetch("patient_set", Patient.objects.order_by("-visits")[:1], to_attr="newest")
    assert [p.visits for p in Ward.objects.prefetch_related(newest).get().newest] == [3]


def test_unique_without_regard_to_case_is_validated(patients: Any) -> None:
    with pytest.raises(ValidationError):
        Ward(name="NORTH").full_clean()


def test_saving_after_a_rollback(patients: Any) -> None:
    patient = patients["p1"]
    with pytest.raises(RuntimeError), transaction.atomic():
        patient.name = "x"
        patient.save()
        raise RuntimeError
    patient.notes = "after"
    patient.save()
    assert Patient.objects.get(pk=patient.pk).notes == "after"
    assert store.verify().problems == []


def test_safe_strings(patients: Any) -> None:
    made = Patient.objects.create(record_no=mark_safe("s"), notes=mark_safe("<b>"))
    assert Patient.objects.get(pk=made.pk).notes == "<b>"


def test_json_containment_is_not_text_search(patients: Any) -> None:
    Patient.objects.filter(visits=1).update(extra={"b": 2, "a": 1})
    right_or_refused(lambda: Patient.objects.filter(extra__contains={"a": 1}).count(), 1)


def test_scans_in_having(patients: Any) -> None:
    Letter.objects.create(patient=patients["p1"])
    Letter.objects.create(patient=patients["p1"])
    counted = Patient.objects.annotate(n=Count("letters"))
    rows = counted.filter(Q(name="Ana") | Q(n=9))
    assert sorted(p.visits for p in rows) == [1, 3]
    assert [p.visits for p in counted.filter(Q(name="Ben") | Q(n=9))] == [2]
    assert [p.visits for p in counted.filter(~Q(name="Ana") | Q(n=2)).order_by("visits")] == [1, 2]


@pytest.mark.parametrize("form", ["json", "xml", "python", "jsonl"])
def test_serializers(patients: Any, form: str) -> None:
    Patient.objects.filter(visits=1).update(born=datetime.date(2000, 1, 2), extra={"a": [1]})
    text = serializers.serialize(form, Patient.objects.order_by("visits"))
    Patient.objects.all().delete()
    for item in serializers.deserialize(form, text):
        item.save()
    back = Patient.objects.get(visits=1)
    assert (back.name, back.born, back.extra) == ("Ana", datetime.date(2000, 1, 2), {"a": [1]})
    assert store.verify().problems == []
