"""Expressions over sealed fields, evaluated in Python: as SQL would, or refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Case, ExpressionWrapper, F, Q, TextField, Value, When
from django.db.models import functions as fn

from django_jazzauth.errors import JazzAuthError, NotJournalled, ScanRefused
from django_jazzauth.sealed.evaluate import evaluate
from django_jazzauth.sealed.matching import match
from django_jazzauth.store import store
from tests.testapp.models import Patient, Treatment, Ward

VALUES = {"name": "  Ana ", "n": 7, "none": None, "flag": True}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("plain", "plain"),
        (Value(3), 3),
        (F("n"), 7),
        (F("n") + 1, 8),
        (F("n") - 1, 6),
        (F("n") * 2, 14),
        (F("n") / 2, 3.5),
        (F("n") % 4, 3),
        (F("n") ** 2, 49),
        (F("none") + 1, None),
        (fn.Lower("name"), "  ana "),
        (fn.Upper("name"), "  ANA "),
        (fn.Length("name"), 6),
        (fn.Trim("name"), "Ana"),
        (fn.LTrim("name"), "Ana "),
        (fn.RTrim("name"), "  Ana"),
        (fn.Reverse("name"), " anA  "),
        (fn.Lower("none"), None),
        (fn.Concat("name", Value("x"), F("none")), "  Ana x"),
        (fn.Coalesce("none", Value("x")), "x"),
        (fn.Coalesce("none", "none"), None),
        (fn.NullIf("n", Value(7)), None),
        (fn.NullIf("n", Value(8)), 7),
        (fn.Replace("name", Value("Ana"), Value("Bo")), "  Bo "),
        (fn.Left("name", 3), "  A"),
        (fn.Right("name", 2), "a "),
        (fn.Substr("name", 3), "Ana "),
        (fn.Substr("name", 3, 2), "An"),
        (fn.Cast("n", TextField()), "7"),
        (ExpressionWrapper(F("n"), output_field=TextField()), 7),
        (Case(When(n=7, then=Value("a")), default=Value("b")), "a"),
        (Case(When(n__gt=7, then=Value("a")), default=Value("b")), "b"),
        (Case(When(Q(n=1) | Q(flag=True), then=Value("a")), default=Value("b")), "a"),
        (Case(When(Q(n=7) ^ Q(flag=True), then=Value("a")), default=Value("b")), "b"),
        (Case(When(~Q(Q(n=7), flag=True), then=Value("a")), default=Value("b")), "b"),
        (Case(When(none__isnull=True, then=Value("a"))), "a"),
    ],
)
def test_values(expression: Any, expected: Any) -> None:
    assert evaluate(expression, VALUES.__getitem__) == expected


def test_now() -> None:
    assert evaluate(fn.Now(), VALUES.__getitem__).tzinfo is not None


@pytest.mark.parametrize(
    "expression",
    [
        fn.Length("name").bitand(1),
        fn.MD5("name"),
        fn.Chr("n"),
        fn.Sin("n"),
    ],
)
def test_what_has_no_meaning_in_python_is_refused(expression: Any) -> None:
    with pytest.raises(ScanRefused):
        evaluate(expression, VALUES.__getitem__)


@pytest.mark.parametrize(
    ("lookup", "left", "right", "expected"),
    [
        ("isnull", None, True, True),
        ("isnull", 1, True, False),
        ("exact", None, None, True),
        ("gt", None, 1, False),
        ("iregex", "ABC", "b", True),
        ("iendswith", "ABC", "bc", True),
        ("lte", 1, 1, True),
        ("in", 1, [1, 2], True),
        ("range", 1, (2, 3), False),
    ],
)
def test_matching(lookup: str, left: Any, right: Any, expected: bool) -> None:
    assert match(lookup, left, right) is expected


def test_an_unknown_lookup() -> None:
    with pytest.raises(ScanRefused):
        match("search", "a", "b")


@pytest.mark.django_db
def test_expressions_in_new_rows() -> None:
    made = Treatment.objects.create(
        code=fn.Upper(Value("abc")), status=fn.Lower(Value("NEW")), factor=Value(1.5)
    )
    loaded = Treatment.objects.get(pk=made.pk)
    assert (made.code, loaded.code, loaded.status, loaded.factor) == ("ABC", "ABC", "new", 1.5)
    with pytest.raises(NotJournalled), transaction.atomic():
        Treatment.objects.create(code=fn.Upper("status"))
    assert store.verify().ok


@pytest.mark.django_db
def test_expressions_per_row_in_bulk_update() -> None:
    made = [Treatment.objects.create(code=str(n), status="a") for n in range(2)]
    made[0].code = fn.Concat(F("code"), Value("!"))
    made[1].status = fn.Upper("status")
    assert Treatment.objects.bulk_update(made, ["code", "status"]) == 2
    assert sorted(Treatment.objects.values_list("code", "status")) == [("0!", "a"), ("1", "A")]
    with pytest.raises(JazzAuthError), transaction.atomic():
        Treatment.objects.update(code=fn.MD5("code"))
    assert store.verify().ok


@pytest.mark.django_db
def test_mistakes_in_bulk_operations_are_djangos() -> None:
    ward = Ward.objects.create(name="a")
    rows = Ward.objects.all()
    for fields, options in (
        ([], {}),
        (["id"], {}),
        (["patient"], {}),
        (["beds"], {"batch_size": 0}),
    ):
        with pytest.raises(ValueError):
            rows.bulk_update([ward], fields, **options)
    with pytest.raises(ValueError):
        rows.bulk_update([Ward(name="x")], ["beds"])
    with pytest.raises(TypeError):
        rows[:1].update(beds=1)
    with pytest.raises(NotJournalled):
        rows.update(id=5)
    with pytest.raises(NotJournalled):
        rows._insert([ward], [], on_conflict=object())
    assert Patient.objects.filter(ward=ward).update(ward=ward) == 0
    assert rows.bulk_update([], ["beds"]) == 0


@pytest.mark.django_db
def test_conflicts_by_the_primary_key_and_by_any_unique_field() -> None:
    first = Ward.objects.create(name="a", beds=1)
    unique = ["id"] if connection.features.supports_update_conflicts_with_target else None
    Ward.objects.bulk_create(
        [Ward(pk=first.pk, name="z", beds=9)],
        update_conflicts=True,
        update_fields=["beds"],
        unique_fields=unique,
    )
    assert Ward.objects.get().beds == 9
    first.refresh_from_db()
    assert (first.beds, first.sealed_version) == (9, 2)
    first.beds = 3
    first.save(update_fields=["beds"])
    assert Ward.objects.bulk_create([], ignore_conflicts=True) == []
    assert store.verify().ok
