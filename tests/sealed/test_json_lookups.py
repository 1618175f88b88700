"""Lookups on sealed JSON: the true answer or a refusal, never text compared with text."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import FieldError
from django.db import NotSupportedError
from django.db.models import F

from django_jazzauth.errors import ScanRefused
from tests.testapp.models import Patient

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def patients() -> None:
    Patient.objects.create(record_no="1", extra={"a": 0, "b": 1})
    Patient.objects.create(record_no="2", extra=[1, 2])
    Patient.objects.create(record_no="3")


def test_equality() -> None:
    assert Patient.objects.get(extra={"b": 1, "a": 0}).record_no == "1"
    assert Patient.objects.get(extra__in=[[1, 2]]).record_no == "2"
    assert Patient.objects.get(extra__isnull=True).record_no == "3"


@pytest.mark.parametrize(
    "condition",
    [
        {"extra__contains": {"b": 1}},
        {"extra__icontains": "b"},
        {"extra__startswith": "{"},
        {"extra__regex": "b"},
        {"extra__iexact": "{}"},
        {"extra__gt": {"b": 1}},
        {"extra__has_key": "b"},
        {"extra__b": 1},
        {"extra__contained_by": {"b": 1}},
    ],
)
def test_what_is_refused(condition: dict[str, Any]) -> None:
    with pytest.raises((ScanRefused, FieldError, NotSupportedError)):
        list(Patient.objects.filter(**condition))


@pytest.mark.parametrize("order", ["extra", "-extra", F("extra").asc()])
def test_ordering_is_refused(order: Any) -> None:
    with pytest.raises((ScanRefused, FieldError)):
        list(Patient.objects.order_by(order))
