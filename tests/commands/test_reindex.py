"""``jazzauth reindex``."""

from __future__ import annotations

from typing import Any

import pytest

from django_jazzauth.keys import index_rotation
from django_jazzauth.keys.index_places import move_boundary
from django_jazzauth.keys.models import IndexRoot
from tests.testapp.models import LabTreatment, Patient

from .conftest import Run, sql

USER = "django_jazzauth.User"


def test_all_columns_get_new_keys(jazzauth: Run, ana: Any) -> None:
    dry = jazzauth("reindex", "--all", "--dry-run").out
    assert "user.email: 1 values\nuser.email:folded: 1 values\n" in dry
    assert "To be moved: 4 values." in dry
    ran = jazzauth("reindex", "--all", "--wait", "0", terminal=True)
    assert "Moved: 4 values. Under new keys: " in ran.out and "user.email" in ran.out
    assert "Destroyed: the index keys of generation 1." in ran.out
    assert "reindex" in ran.err and "100%" in ran.err
    assert jazzauth("doctor").out.count("live generations of the index keys: 2") == 1


def test_fields_by_name(jazzauth: Run, ana: Any) -> None:
    dry = jazzauth("reindex", f"{USER}.email", "--dry-run").out
    assert dry == ("user.email: 1 values\nuser.email:folded: 1 values\nTo be moved: 2 values.\n")
    ran = jazzauth("reindex", f"{USER}.email", "--wait", "0").out
    assert "Moved: 2 values. Under new keys: user.email." in ran
    assert "other columns are under the old keys" in ran
    assert IndexRoot.objects.filter(retired_at=None).count() == 2


@pytest.mark.django_db
def test_a_child_tables_field_is_its_parents(jazzauth: Run) -> None:
    LabTreatment.objects.create(code="x")
    ran = jazzauth("reindex", "testapp.LabTreatment.code", "--wait", "0").out
    assert "Under new keys: treatment.code." in ran


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say --all"),
        ((f"{USER}.email", "--all"), "say --all"),
        (("email",), "email names no field"),
        ((f"{USER}.nothing",), "names no field"),
        (("auth.Group.name",), "belongs to no event-sourced model"),
        ((f"{USER}.password",), "is not searchable"),
        (("--all", "--batch", "0"), "from 1 on"),
        (("--all", "--wait", "-1"), "number of seconds"),
        (("--all", "--wait", "0"), "no keys yet"),
    ],
)
def test_what_cannot_be_done_is_said(jazzauth: Run, arguments: Any, message: str) -> None:
    assert message in jazzauth("reindex", *arguments).failed


def test_columns_on_their_way_are_shown(jazzauth: Run, ana: Any) -> None:
    index_rotation.announce("default", [("user", "email"), ("user", "username")])
    move_boundary("default", ("user", "email"), bytes.fromhex("010140000000"))
    found = jazzauth("doctor").out
    assert "being re-indexed: user.email (25%), user.username (0%)" in found
    assert "finishes that one first" in jazzauth("reindex", "--all", "--dry-run").out


def test_what_does_not_open_is_told(jazzauth: Run, ana: Any) -> None:
    Patient.objects.create(record_no="r1")
    assert sql("UPDATE testapp_patient SET record_no = %s", b"\x01\x01" + bytes(20)) == 1
    ran = jazzauth("reindex", "testapp.Patient.record_no", "--wait", "0")
    assert "Left, since they do not open: 1 of patient.record_no" in ran.failed
    assert ran.status == 1
