"""``jazzauth rewrap``, ``retire``, ``export`` and ``shred``."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from django_jazzauth.keys.models import Epoch
from django_jazzauth.store import store

from .conftest import Run, sql


def test_moving_everything_and_closing_the_old_epoch(jazzauth: Run, ana: Any) -> None:
    assert "is the one in use" in jazzauth("retire", "1").failed
    jazzauth("rotate")
    dry = jazzauth("rewrap", "--dry-run")
    assert dry.out == "To be moved: 1 data keys, 1 index roots, 1 heads of user.\n"
    assert "[EPOCH_IN_USE]" in jazzauth("retire", "1").failed
    ran = jazzauth("rewrap", terminal=True)
    assert "Moved: 1 data keys, 1 index roots, 1 heads." in ran.out
    assert "Everything is under the epoch in use." in ran.out
    assert "rewrap" in ran.err and "100%" in ran.err
    assert jazzauth("rewrap", "--dry-run").out == "To be moved: nothing.\n"
    assert "Retired: epoch 1; 1 grants destroyed" in jazzauth("retire", "1").out
    assert "was retired before" in jazzauth("retire", "1").out
    assert Epoch.objects.get(number=1).retired_at is not None
    ana.refresh_from_db()
    assert ana.name == "Ana Fox"


def test_what_cannot_be_moved_is_named(jazzauth: Run, ana: Any) -> None:
    jazzauth("rotate")
    head = bytes(get_user_model().objects.values_list("head", flat=True).get())
    assert sql("UPDATE jazzauth_user SET head = %s", head[:-1] + bytes((head[-1] ^ 1,))) == 1
    ran = jazzauth("rewrap")
    assert f"user/{ana.pk}: its head does not open" in ran.err
    assert "Left: 1 heads of user" in ran.failed and "jazzauth verify" in ran.failed
    assert ran.status == 1


@pytest.mark.django_db
def test_odd_numbers(jazzauth: Run) -> None:
    assert "from 1 on" in jazzauth("rewrap", "--batch", "0").failed
    assert "no epoch 99. [NO_SUCH_EPOCH]" in jazzauth("retire", "99").failed


def test_exporting(jazzauth: Run, ana: Any, tmp_path: Path) -> None:
    printed = json.loads(jazzauth("export", "--subject", "ana@example.org").out)
    assert printed["subject"] == f"user/{ana.pk}"
    path = tmp_path / "ana.json"
    assert str(path) in jazzauth("export", "--subject", "ana", "--file", str(path)).out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = json.loads(path.read_text())
    assert written["entities"] == printed["entities"]
    assert "exists" in jazzauth("export", "--subject", "ana", "--file", str(path)).failed
    assert "Nothing is known" in jazzauth("export", "--subject", "nobody").failed


def test_shredding(
    jazzauth: Run, ana: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["no", "Shred"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    pk = str(ana.pk)
    assert "Nothing was changed" in jazzauth("shred", "ana@example.org").failed
    path = tmp_path / "ana.json"
    ran = jazzauth("shred", "ana@example.org", "--export", str(path))
    assert f"user/{pk} was shredded at version" in ran.out
    assert "django_jazzauth.User" in ran.out and "retire" in ran.out
    assert json.loads(path.read_text())["entities"][0]["current"]["name"] == "Ana Fox"
    assert "was shredded on" in jazzauth("shred", pk, "--no-input").out
    assert "Nothing is known" in jazzauth("shred", "ana@example.org", "--no-input").failed
    history = jazzauth("history", pk).out
    assert "shredded" in history and "Ana" not in history
    assert "[KEY_DESTROYED]" in jazzauth("restore", "user", pk).failed
    assert "[NEVER_EXISTED]" in jazzauth("export", "--subject", pk).failed
    assert store.verify().ok


def test_a_file_in_the_way_stops_the_shredding(jazzauth: Run, ana: Any, tmp_path: Path) -> None:
    path = tmp_path / "ana.json"
    path.write_text("")
    ran = jazzauth("shred", "ana", "--export", str(path), "--no-input")
    assert "exists" in ran.failed
    assert get_user_model().objects.get(pk=ana.pk).name == "Ana Fox"


def test_nobody_to_ask(jazzauth: Run, ana: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)
    assert "--no-input" in jazzauth("shred", "ana").failed
