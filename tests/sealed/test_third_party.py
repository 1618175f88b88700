"""Code that was written for stock Django, over sealed users and what points at them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FilteredRelation,
    OuterRef,
    Prefetch,
    Q,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.functions import RowNumber
from django.forms import modelform_factory, modelformset_factory

from django_jazzauth.store import store
from tests.testapp.models import Patient, VipPatient, Ward

pytestmark = pytest.mark.django_db
User: Any = get_user_model()


@pytest.fixture(autouse=True)
def world() -> None:
    users = [
        User.objects.create_user(username=f"u{n}", email=f"u{n}@example.com") for n in range(4)
    ]
    Group.objects.create(name="g").user_set.add(*users[:2])
    for user in (*users[:3], users[0]):
        LogEntry.objects.create(user=user, object_repr="r", action_flag=1)
    ward = Ward.objects.create(name="W")
    for n in range(4):
        Patient.objects.create(
            record_no=f"p{n}",
            name=f"n{n}",
            visits=n,
            owner=users[n % 2] if n < 3 else None,
            ward=ward if n % 2 else None,
        )


def names(rows: Any) -> list[str]:
    return sorted(rows.values_list("username", flat=True))


def numbers(rows: Any) -> list[str]:
    return sorted(rows.values_list("record_no", flat=True))


COUNTS = {"u0": 2, "u1": 1, "u2": 0, "u3": 0}
entries: Any = LogEntry.objects
ANSWERS: dict[str, tuple[Callable[[], Any], Any]] = {
    "a filter over a join": (lambda: entries.filter(user__email="u0@example.com").count(), 2),
    "without case": (lambda: entries.filter(user__email__iexact="U0@EXAMPLE.com").count(), 2),
    "part of a text": (lambda: entries.filter(user__email__icontains="U1@").count(), 1),
    "select_related": (
        lambda: [e.user.username for e in entries.select_related("user").order_by("pk")],
        ["u0", "u1", "u2", "u0"],
    ),
    "values over a join": (
        lambda: sorted(entries.values_list("user__username", flat=True)),
        ["u0", "u0", "u1", "u2"],
    ),
    "counts by a joined value": (
        lambda: list(
            entries.values("user__username")
            .annotate(n=Count("pk"))
            .order_by("-n", "user__username")
            .values_list("user__username", "n")
        ),
        [("u0", 2), ("u1", 1), ("u2", 1)],
    ),
    "groups above a count": (
        lambda: list(
            entries.values("user__username")
            .annotate(n=Count("pk"))
            .filter(n__gt=1)
            .values_list("user__username", flat=True)
        ),
        ["u0"],
    ),
    "user_set": (lambda: names(Group.objects.get().user_set.all()), ["u0", "u1"]),
    "a prefetch of some": (
        lambda: [
            [user.username for user in group.user_set.all()]
            for group in Group.objects.prefetch_related(
                Prefetch("user_set", User.objects.filter(username="u0"))
            )
        ],
        [["u0"]],
    ),
    "a prefetch backwards": (
        lambda: {
            u.username: len(u.patients.all()) for u in User.objects.prefetch_related("patients")
        },
        COUNTS,
    ),
    "counts of rows": (
        lambda: {u.username: u.n for u in User.objects.annotate(n=Count("patients"))},
        COUNTS,
    ),
    "counts of values": (
        lambda: dict(User.objects.annotate(n=Count("patients")).values_list("username", "n")),
        COUNTS,
    ),
    "alias": (lambda: names(User.objects.alias(n=Count("patients")).filter(n__gt=1)), ["u0"]),
    "exists": (
        lambda: names(User.objects.filter(Exists(Patient.objects.filter(owner=OuterRef("pk"))))),
        ["u0", "u1"],
    ),
    "exclude over a join with NULL": (
        lambda: numbers(Patient.objects.exclude(owner__username="u0")),
        ["p1", "p3"],
    ),
    "exclude of a scan": (
        lambda: names(User.objects.exclude(patients__name="n0")),
        ["u1", "u2", "u3"],
    ),
    "not, over NULL": (lambda: numbers(Patient.objects.filter(~Q(ward__name="W"))), ["p0", "p2"]),
    "not without case, over NULL": (
        lambda: numbers(Patient.objects.filter(~Q(ward__name__iexact="w"))),
        ["p0", "p2"],
    ),
    "not of a scan, over NULL": (
        lambda: numbers(Patient.objects.filter(~Q(owner__email__icontains="u0"))),
        ["p1", "p3"],
    ),
    "a filtered relation": (
        lambda: dict(
            User.objects.annotate(
                those=FilteredRelation("patients", condition=Q(patients__name="n0"))
            )
            .annotate(n=Count("those"))
            .values_list("username", "n")
        ),
        {"u0": 1, "u1": 0, "u2": 0, "u3": 0},
    ),
    "a subquery of keys": (
        lambda: names(
            User.objects.filter(pk__in=Patient.objects.filter(name="n1").values("owner"))
        ),
        ["u1"],
    ),
    "a sum over a join": (lambda: User.objects.aggregate(n=Sum("patients__visits"))["n"], 3),
    "distinct rows": (lambda: User.objects.filter(patients__visits__gte=0).distinct().count(), 2),
    "the order of a relation": (
        lambda: [
            p.record_no
            for p in Patient.objects.filter(owner__isnull=False).order_by(
                "-owner__username", "record_no"
            )
        ],
        ["p1", "p0", "p2"],
    ),
    "a slice in order": (
        lambda: list(entries.order_by("-user__username").values_list("user__username")[:1]),
        [("u2",)],
    ),
    "in_bulk": (lambda: sorted(User.objects.in_bulk(["u0"], field_name="username")), ["u0"]),
    "iterator": (
        lambda: len(list(User.objects.prefetch_related("groups").iterator(chunk_size=2))),
        4,
    ),
    "union": (
        lambda: (
            User.objects.filter(username="u0").union(User.objects.filter(username="u1")).count()
        ),
        2,
    ),
    "explain": (lambda: bool(User.objects.filter(username="u0").explain()), True),
    "case": (
        lambda: sorted(
            User.objects.annotate(
                k=Case(When(username="u0", then=Value("a")), default=Value("b"))
            ).values_list("k", flat=True)
        ),
        ["a", "b", "b", "b"],
    ),
    "a window": (
        lambda: sorted(
            u.n
            for u in User.objects.annotate(n=Window(RowNumber(), order_by=F("date_joined").asc()))
        ),
        [1, 2, 3, 4],
    ),
    "get_or_create": (
        lambda: User.objects.get_or_create(
            email__iexact="U1@example.com", defaults={"username": "no"}
        )[1],
        False,
    ),
    "update_or_create": (
        lambda: (
            User.objects.update_or_create(username="u1", defaults={"email": "n@example.com"})[
                0
            ].email
        ),
        "n@example.com",
    ),
    "pickles of querysets": (
        lambda: names(pickle.loads(pickle.dumps(User.objects.filter(username="u0")))),
        ["u0"],
    ),
    "pickles of instances": (
        lambda: pickle.loads(pickle.dumps(User.objects.get(username="u0"))).email,
        "u0@example.com",
    ),
    "deep copies": (lambda: copy.deepcopy(User.objects.get(username="u0")).email, "u0@example.com"),
    "only over a join": (
        lambda: entries.select_related("user").only("user__username").earliest("pk").user.email,
        "u0@example.com",
    ),
    "a proxy": (lambda: VipPatient.objects.get(record_no="p1").name, "n1"),
    "locked rows": (
        lambda: numbers(Patient.objects.select_for_update().filter(owner__username="u1")),
        ["p1"],
    ),
    "a form without case": (
        lambda: list(modelform_factory(Ward, fields=["name"])({"name": "w"}).errors),
        ["name"],
    ),
}


@pytest.mark.parametrize("question", ANSWERS)
def test_stock_code_gets_stock_answers(question: str) -> None:
    ask, answer = ANSWERS[question]
    assert ask() == answer


def test_deferred_fields_are_kept() -> None:
    user = User.objects.only("username").get(username="u0")
    user.first_name = "F"
    user.save()
    again = User.objects.defer("email", "first_name").get(pk=user.pk)
    again.last_name = "L"
    again.save()
    whole = User.objects.get(pk=user.pk)
    assert (whole.first_name, whole.last_name, whole.email) == ("F", "L", "u0@example.com")
    User.objects.filter(pk=user.pk).update(first_name="G")
    whole.last_name = "pending"
    whole.refresh_from_db(fields=["first_name"])
    assert (whole.first_name, whole.last_name) == ("G", "pending")


def test_a_formset() -> None:
    first, second = Patient.objects.filter(record_no__in=["p0", "p1"]).order_by("visits")
    data = {"form-TOTAL_FORMS": "3", "form-INITIAL_FORMS": "2"}
    for n, (pk, number, name) in enumerate(
        [(first.pk, "p0", "edited"), (second.pk, "p1", "n1"), ("", "p9", "new")]
    ):
        data |= {f"form-{n}-id": str(pk), f"form-{n}-record_no": number, f"form-{n}-name": name}
    forms: Any = modelformset_factory(Patient, fields=["record_no", "name"], extra=1)
    rows = Patient.objects.filter(record_no__in=["p0", "p1"]).order_by("visits")
    bound = forms(data, queryset=rows)
    assert bound.is_valid(), bound.errors
    assert len(bound.save()) == 2
    assert Patient.objects.get(record_no="p0").name == "edited"


@pytest.mark.django_db(transaction=True)
def test_a_dump_is_loaded_into_an_empty_database(tmp_path: Path) -> None:
    path = str(tmp_path / "dump.json")
    call_command("dumpdata", output=path, exclude=["contenttypes", "auth.permission"], verbosity=0)
    for model in (LogEntry, Patient, User, Group, Ward):
        model.objects.all().delete()
    call_command("loaddata", path, verbosity=0)
    assert names(User.objects.all()) == ["u0", "u1", "u2", "u3"]
    assert names(Group.objects.get().user_set.all()) == ["u0", "u1"]
    assert entries.filter(user__username="u0").count() == 2
    assert store.verify().problems == []
