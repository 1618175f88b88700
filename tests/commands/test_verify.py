"""``jazzauth verify`` and ``jazzauth rebuild``."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from django_jazzauth.store import store

from .conftest import Run, sql

pytestmark = pytest.mark.django_db


def test_nothing_is_wrong(jazzauth: Run, ana: Any) -> None:
    ran = jazzauth("verify")
    assert not ran.failed
    assert "2 events in 1 stream checked" in ran.out
    assert "Nothing is wrong." in ran.out
    assert ran.err == ""


def test_progress_is_drawn_on_a_terminal_and_taken_away(jazzauth: Run, ana: Any) -> None:
    ran = jazzauth("verify", terminal=True)
    assert "verify" in ran.err
    assert "100%" in ran.err
    assert "2 of 2 events" in ran.err
    assert ran.err.endswith("\r")
    assert ran.err.rsplit("\r", 2)[1].strip() == ""


def test_a_changed_column_is_named(jazzauth: Run, ana: Any) -> None:
    sql("UPDATE jazzauth_user SET is_staff = %s", True)
    ran = jazzauth("verify")
    assert ran.status == 1
    assert ran.failed == "1 problem found."
    assert "COLUMN_DIFFERS" in ran.out
    assert f"user/{ana.pk}" in ran.out
    assert "is_staff" in ran.out


def test_a_changed_event_is_named_with_its_version(jazzauth: Run, ana: Any) -> None:
    sql("UPDATE jazzauth_event SET recorded_at = recorded_at + 1 WHERE version = 2")
    ran = jazzauth("verify")
    assert ran.status == 1
    assert f"CHAIN_BROKEN  user/{ana.pk}@2" in ran.out
    assert f"SEAL_BROKEN  user/{ana.pk}@2" in ran.out


def test_as_json(jazzauth: Run, ana: Any) -> None:
    assert json.loads(jazzauth("verify", "--json").out) == {
        "ok": True,
        "events": 2,
        "streams": 1,
        "covered": 0,
        "checkpoints": 0,
        "unlisted": 0,
        "problems": [],
    }
    sql("UPDATE jazzauth_user SET is_staff = %s", True)
    ran = jazzauth("verify", "--json", terminal=True)
    assert ran.status == 1
    report = json.loads(ran.out)
    assert report["ok"] is False
    (problem,) = report["problems"]
    assert problem["code"] == "COLUMN_DIFFERS"
    assert problem["stream"] == f"user/{ana.pk}"
    assert problem["version"] is None


def test_a_checkpoint_shows_what_was_cut_off(
    jazzauth: Run, ana: Any, tmp_path: Path, settings: Any
) -> None:
    file = tmp_path / "checkpoint"
    jazzauth("checkpoint", "--output", str(file))
    assert "2 events compared with 1 checkpoint." in jazzauth("verify").out
    assert not jazzauth("verify", "--checkpoint", str(file)).failed
    for table in ("user", "event", "checkpoint"):
        sql(f"DELETE FROM jazzauth_{table}")
    assert not jazzauth("verify").failed  # nothing in the database can tell
    ran = jazzauth("verify", "--checkpoint", str(file))
    assert ran.status == 1
    assert "CHECKPOINT_AHEAD" in ran.out
    settings.JAZZAUTH = {**settings.JAZZAUTH, "CHECKPOINT": {"FILE": file}}
    assert "CHECKPOINT_AHEAD" in jazzauth("verify").out
    assert "cannot be read" in jazzauth("verify", "--checkpoint", "/nonexistent").failed


def test_rebuild_makes_the_rows_again(jazzauth: Run, ana: Any) -> None:
    group = Group.objects.create(name="editors")
    ana.groups.add(group)
    sql("UPDATE jazzauth_user SET is_staff = %s", True)
    ran = jazzauth("rebuild", "--no-input")
    assert not ran.failed
    assert "1  user" in ran.out
    assert "1 rows made from 3 events" in ran.out
    again = get_user_model().objects.get(username="ana")
    assert (again.name, again.is_staff) == ("Ana Fox", False)
    assert list(again.groups.all()) == [group]
    assert store.verify().ok


def test_rebuild_asks_first(jazzauth: Run, ana: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sql("UPDATE jazzauth_user SET is_staff = %s", True)
    monkeypatch.setattr(builtins, "input", lambda prompt: "no")
    ran = jazzauth("rebuild")
    assert "2 events" in ran.out
    assert "jazzauth_user" in ran.out
    assert ran.failed == "Nothing was changed."
    assert not store.verify().ok
    monkeypatch.setattr(builtins, "input", lambda prompt: "yes")
    assert not jazzauth("rebuild").failed
    assert store.verify().ok


def test_rebuild_with_nobody_there_changes_nothing(
    jazzauth: Run, ana: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr(builtins, "input", nobody)
    assert "--no-input" in jazzauth("rebuild").failed


def test_rebuild_from_a_broken_log_changes_nothing(jazzauth: Run, ana: Any) -> None:
    sql("UPDATE jazzauth_event SET recorded_at = recorded_at + 1 WHERE version = 2")
    ran = jazzauth("rebuild", "--no-input")
    assert ran.status == 1
    assert f"user/{ana.pk}" in ran.failed
    assert "[SEAL_BROKEN]" in ran.failed
    assert get_user_model().objects.get(pk=ana.pk).name == "Ana Fox"


def test_an_interruption_is_no_traceback(
    jazzauth: Run, ana: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(prompt: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(builtins, "input", interrupted)
    ran = jazzauth("rebuild")
    assert (ran.failed, ran.status) == ("Interrupted.", 130)
