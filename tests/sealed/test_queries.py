"""Lookups, joins, ordering and grouping over sealed fields."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import FieldError
from django.db.models import Count, Exists, F, Max, OuterRef, Q, Subquery
from django.db.models.functions import Length, Lower

from django_jazzauth.errors import ScanRefused
from tests.testapp.models import Letter, Patient, Ward

pytestmark = pytest.mark.django_db


@pytest.fixture
def patients() -> dict[str, Patient]:
    ward = Ward.objects.create(name="North")
    rows = [
        ("p1", "Ana", "Ana@Example.com", 1),
        ("p2", "Ben", "ben@example.com", 2),
        ("p3", "ana maria", "", 3),
        ("p4", "Zoe", "zoe@example.org", 4),
    ]
    return {
        no: Patient.objects.create(record_no=no, name=name, email=email, visits=n, ward=ward)
        for no, name, email, n in rows
    }


def found(**conditions: Any) -> set[str]:
    return set(Patient.objects.filter(**conditions).values_list("record_no", flat=True))


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"record_no": "p1"}, {"p1"}),
        ({"record_no__in": ["p1", "p4", "no"]}, {"p1", "p4"}),
        ({"record_no__startswith": "p"}, {"p1", "p2", "p3", "p4"}),
        ({"email__iexact": "ANA@example.COM"}, {"p1"}),
        ({"email": "ana@example.com"}, set()),
        ({"email__iexact": ""}, {"p3"}),
        ({"email__icontains": "EXAMPLE.com"}, {"p1", "p2"}),
        ({"name": "Ana"}, {"p1"}),
        ({"name__in": ["Ana", "Zoe"]}, {"p1", "p4"}),
        ({"name__icontains": "ANA"}, {"p1", "p3"}),
        ({"name__contains": "ana"}, {"p3"}),
        ({"name__istartswith": "a"}, {"p1", "p3"}),
        ({"name__endswith": "e"}, {"p4"}),
        ({"name__iexact": "zoE"}, {"p4"}),
        ({"name__regex": "^[AB]"}, {"p1", "p2"}),
        ({"name__gt": "B"}, {"p2", "p3", "p4"}),
        ({"name__range": ("A", "C")}, {"p1", "p2"}),
        ({"name__isnull": True}, set()),
        ({"extra__isnull": True}, {"p1", "p2", "p3", "p4"}),
        ({"ward__name": "North", "visits__lt": 3}, {"p1", "p2"}),
        ({"ward__name__iexact": "nORTH", "name": "Ben"}, {"p2"}),
        ({"name": F("name")}, {"p1", "p2", "p3", "p4"}),
        ({"record_no": F("record_no")}, {"p1", "p2", "p3", "p4"}),
        ({"record_no": F("name")}, set()),
    ],
)
def test_lookups(patients: Any, conditions: dict[str, Any], expected: set[str]) -> None:
    assert found(**conditions) == expected


def test_exclude_and_q(patients: Any) -> None:
    rows = Patient.objects.exclude(name__icontains="ana").order_by("visits")
    assert [p.record_no for p in rows] == ["p2", "p4"]
    either = Patient.objects.filter(Q(name="Ben") | Q(record_no="p4"))
    assert {p.record_no for p in either} == {"p2", "p4"}


def test_a_scan_is_logged_once_per_query(patients: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "django_jazzauth.sealed"):
        list(Patient.objects.filter(Q(name__icontains="a") | Q(notes__icontains="b")))
    assert len(caplog.records) == 1
    assert "name" in caplog.text


def test_a_scan_beyond_the_limit_is_refused(patients: Any, settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SCAN_LIMIT": 3, "ORDER_LIMIT": 3}
    with pytest.raises(ScanRefused, match="searchable"):
        list(Patient.objects.filter(name="Ana"))
    with pytest.raises(ScanRefused, match="ORDER_LIMIT"):
        list(Patient.objects.order_by("name"))


def test_ordering_is_by_opened_values(patients: Any) -> None:
    names = ["Ana", "Ben", "Zoe", "ana maria"]
    assert list(Patient.objects.order_by("name").values_list("name", flat=True)) == names
    assert [p.name for p in Patient.objects.order_by("-name")] == names[::-1]
    assert [p.name for p in Patient.objects.order_by(F("name").asc())[1:3]] == ["Ben", "Zoe"]
    by_no = Patient.objects.order_by("-record_no").values_list("record_no", flat=True)
    assert list(by_no) == ["p4", "p3", "p2", "p1"]
    for patient in patients.values():
        Letter.objects.create(patient=patient)
    letters = Letter.objects.order_by("patient__name").select_related("patient")
    assert [letter.patient.name for letter in letters] == names


def test_values_open_and_group(patients: Any) -> None:
    assert set(Patient.objects.values_list("name", "email")) == {
        ("Ana", "Ana@Example.com"),
        ("Ben", "ben@example.com"),
        ("ana maria", ""),
        ("Zoe", "zoe@example.org"),
    }
    Patient.objects.filter(record_no="p4").update(email="ben@example.com")
    groups = Patient.objects.values("email").annotate(n=Count("pk"))
    assert {row["email"]: row["n"] for row in groups} == {
        "": 1,
        "ben@example.com": 2,
        "Ana@Example.com": 1,
    }
    assert Patient.objects.values("email").distinct().count() == 3
    annotated = Patient.objects.annotate(label=F("name")).order_by("visits")
    assert [p.label for p in annotated] == ["Ana", "Ben", "ana maria", "Zoe"]
    assert Patient.objects.aggregate(n=Count("email"), m=Count("extra")) == {"n": 4, "m": 0}


@pytest.mark.parametrize(
    "query",
    [
        lambda: list(Patient.objects.annotate(n=Length("name"))),
        lambda: list(Patient.objects.aggregate(m=Max("email"))),
        lambda: list(Patient.objects.values("name").annotate(n=Count("pk"))),
        lambda: list(Patient.objects.values("name").distinct()),
        lambda: list(Patient.objects.filter(name__length=3)),
        lambda: list(Patient.objects.filter(extra__a=1)),
        lambda: list(Letter.objects.filter(subject=F("patient__name"))),
        lambda: list(Letter.objects.filter(subject=F("patient__email"))),
    ],
)
def test_what_ciphertext_cannot_answer_is_refused(patients: Any, query: Any) -> None:
    with pytest.raises((FieldError, ScanRefused)):
        query()


def test_joins_from_plain_models(patients: Any, django_assert_num_queries: Any) -> None:
    for patient in patients.values():
        Letter.objects.create(patient=patient, subject=patient.record_no)
    assert Letter.objects.get(patient__email="ben@example.com").subject == "p2"
    assert Letter.objects.filter(patient__name__icontains="ana").count() == 2
    assert set(Letter.objects.values_list("subject", "patient__name")) == {
        ("p1", "Ana"),
        ("p2", "Ben"),
        ("p3", "ana maria"),
        ("p4", "Zoe"),
    }
    with django_assert_num_queries(1):
        rows = list(Letter.objects.select_related("patient__ward").order_by("subject"))
        assert [row.patient.name for row in rows] == ["Ana", "Ben", "ana maria", "Zoe"]
        assert rows[0].patient.ward.name == "North"
    with django_assert_num_queries(2):
        fetched = Patient.objects.prefetch_related("letters").order_by("visits")
        assert [len(p.letters.all()) for p in fetched] == [1, 1, 1, 1]
    counted = Patient.objects.annotate(n=Count("letters")).order_by("visits")
    assert [(p.name, p.n) for p in counted] == [
        ("Ana", 1),
        ("Ben", 1),
        ("ana maria", 1),
        ("Zoe", 1),
    ]
    inner = Patient.objects.filter(pk=OuterRef("patient_id"))
    email = Letter.objects.annotate(e=Subquery(inner.values("email")[:1])).order_by("subject")
    assert [row.e for row in email][:2] == ["Ana@Example.com", "ben@example.com"]
    name = Letter.objects.annotate(e=Subquery(inner.values("name")[:1])).order_by("subject")
    assert [row.e for row in name][:2] == ["Ana", "Ben"]
    assert Letter.objects.filter(Exists(inner.filter(name="Zoe"))).get().subject == "p4"
    chosen = Patient.objects.filter(visits__gt=2)
    assert Letter.objects.filter(patient__in=chosen).count() == 2
    assert Letter.objects.filter(patient__email__in=chosen.values("email")).count() == 2


def test_point_reads_take_one_query(patients: Any, django_assert_num_queries: Any) -> None:
    for conditions in ({"pk": patients["p1"].pk}, {"record_no": "p1"}, {"id": patients["p1"].id}):
        with django_assert_num_queries(1):
            assert Patient.objects.get(**conditions).name == "Ana"
    with pytest.raises(Patient.DoesNotExist):
        Patient.objects.get(record_no="nobody")
    assert Ward.objects.get(name__iexact="NORTH").name == "North"


def test_groups_of_users(patients: Any) -> None:
    user = get_user_model().objects.create_user("kim", "kim@example.com", "pw-kim-1")
    group = Group.objects.create(name="staff")
    user.groups.add(group)
    assert list(group.user_set.values_list("username", flat=True)) == ["kim"]
    assert Group.objects.filter(user__email="kim@example.com").get() == group
    assert get_user_model().objects.filter(groups__name="staff").get() == user


def test_a_point_read_takes_a_related_row_along(
    patients: Any, django_assert_num_queries: Any
) -> None:
    owner = get_user_model().objects.create_user("own", "own@example.com", "pw-own-1")
    Patient.objects.filter(record_no="p1").update(owner=owner)
    with django_assert_num_queries(1):
        patient = Patient.objects.select_related("owner").get(record_no="p1")
        assert patient.owner == owner
        assert patient.owner.email == "own@example.com"
    with django_assert_num_queries(1):
        assert Patient.objects.select_related("owner").get(record_no="p2").owner is None
    with django_assert_num_queries(1):
        ward = Patient.objects.select_related("ward", "owner").get(record_no="p1").ward
        assert ward.name == "North"


def test_a_field_compared_with_an_expression_over_its_own_row(patients: Any) -> None:
    # What django-allauth's migration account.0006 does.
    changed = Patient.objects.exclude(email=Lower("email")).update(email=Lower("email"))
    assert changed == 1
    assert found(email="ana@example.com") == {"p1"}
    assert found(name=Lower("name")) == {"p3"}
