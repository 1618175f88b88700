"""Small parts: orders, search terms, inline objects in Django's log, names, progress."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.core.management.base import OutputWrapper
from django.db.models import F
from django.test import Client

from django_jazzauth.admin.ordering import plain_ordering
from django_jazzauth.admin.search import search
from django_jazzauth.management.progress import ProgressBar
from django_jazzauth.management.secrecy import secret_fields
from django_jazzauth.management.timeline import show_value
from django_jazzauth.models import Account, Session, SigningKey, Verification
from tests.testapp.models import Letter, Patient, Ward


@pytest.mark.parametrize(
    ("declared", "used"),
    [
        ((), ("-pk",)),
        (("-seen_at", "pk"), ("-seen_at", "pk")),
        (("ward__beds",), ("ward__beds",)),
        (("name",), ("-pk",)),
        (("seen_at", "-record_no"), ("-pk",)),
        (("ward__name",), ("-pk",)),
        (("owner",), ("owner",)),
        ((F("seen_at").desc(),), ("-pk",)),
        (("nothing",), ("-pk",)),
    ],
)
def test_a_list_is_never_ordered_by_a_sealed_field(
    monkeypatch: pytest.MonkeyPatch, declared: tuple[Any, ...], used: tuple[str, ...]
) -> None:
    monkeypatch.setattr(Patient._meta, "ordering", declared)
    assert plain_ordering(Patient) == used


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "typed", "found"),
    [
        (["=record_no"], "R-1", {"R-1"}),
        (["record_no__exact"], "R-1", {"R-1"}),
        (["^record_no"], "R-", set()),
        (["=email"], "M@EXAMPLE.org", {"R-1"}),
        (["name"], "Meier", set()),
        (["visits"], "3", {"R-1"}),
        (["visits__gte"], "1", {"R-1"}),
        (["visits"], "three", set()),
        (["pk"], "x", set()),
        (["owner"], "x", set()),
        (["nothing"], "R-1", {"R-1", "R-2"}),
        ([], "R-1", {"R-1", "R-2"}),
        (["record_no"], "  ", {"R-1", "R-2"}),
        (["ward__beds"], "4", {"R-1"}),
        (["ward__name"], "north", {"R-1"}),
        (["tags__label"], "x", set()),
        (["ward__name"], "scan:nor", {"R-1"}),
        (["name", "ward__name"], "scan: hub", {"R-2"}),
    ],
)
def test_search_terms(fields: list[str], typed: str, found: set[str]) -> None:
    ward = Ward.objects.create(name="North", beds=4)
    Patient.objects.create(
        record_no="R-1", name="Meier", email="m@example.org", visits=3, ward=ward
    )
    Patient.objects.create(record_no="R-2", name="Huber")
    queryset, _twice = search(Patient.objects.all(), fields, [], typed)
    assert {patient.record_no for patient in queryset} == found


def test_inline_objects_are_named_by_key_in_djangos_log(page: Client) -> None:
    patient = Patient.objects.create(record_no="R-1", name="Meier")
    kept = Letter.objects.create(patient=patient, subject="secret-subject")
    gone = Letter.objects.create(patient=patient, subject="secret-other")
    data = {
        "record_no": "R-1",
        "name": "Huber",
        "visits": "0",
        "extra": "null",
        "letters-TOTAL_FORMS": "3",
        "letters-INITIAL_FORMS": "2",
        "letters-0-id": kept.pk,
        "letters-0-patient": patient.pk,
        "letters-0-subject": "secret-changed",
        "letters-1-id": gone.pk,
        "letters-1-patient": patient.pk,
        "letters-1-subject": "secret-other",
        "letters-1-DELETE": "on",
        "letters-2-patient": patient.pk,
        "letters-2-subject": "secret-new",
    }
    answer = page.post(f"/admin/testapp/patient/{patient.pk}/change/", data)
    assert answer.status_code == 302
    assert set(Letter.objects.values_list("subject", flat=True)) == {
        "secret-changed",
        "secret-new",
    }
    entry = LogEntry.objects.get()
    parts = json.loads(entry.change_message)
    assert [next(iter(part)) for part in parts] == ["changed", "added", "changed", "deleted"]
    assert parts[2]["changed"]["object"] == str(kept.pk)
    assert "secret" not in entry.change_message
    assert "letter" in entry.get_change_message()


def test_secrets_are_known_by_name() -> None:
    assert secret_fields(get_user_model()) == {"password"}
    assert secret_fields(Session) == {"token", "data"}
    assert secret_fields(Account) == {"access_token", "refresh_token", "id_token"}
    assert secret_fields(Verification) == {"identifier", "value"}
    assert "private_jwk" in secret_fields(SigningKey)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        ("", "—"),
        ([], "—"),
        (0, "0"),
        (False, "False"),
        (b"abc", "3 bytes"),
        ("a\nb\u202e", "a\\nb\\u202e"),
        ("ä" * 300, "ä" * 200 + "…"),
    ],
)
def test_values_as_text(value: Any, text: str) -> None:
    assert show_value(value) == text


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _Terminal()
    clock = iter([0.0, 10.0, 10.01, 100.0, 101.0, 102.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    bar = ProgressBar(OutputWrapper(stream), "verify", "events")
    bar.update(25, 100)
    bar.update(26, 100)
    bar.update(50, 100)
    bar.update(7, label="rebuild")
    bar.update(100, 100)
    drawn = [line.strip() for line in stream.getvalue().split("\r") if line.strip()]
    assert len(drawn) == 4
    assert drawn[0].endswith("25%  25 of 100 events, 30 s left")
    assert drawn[1].endswith("50%  50 of 100 events, 1 min 40 s left")
    assert drawn[2] == "rebuild 7 events"
    assert drawn[3].endswith("100%  100 of 100 events")
