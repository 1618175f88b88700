"""``jazzauth init``."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.source import ENV_FILE, ENV_SECRET, worker_secret

from .conftest import Run


@pytest.fixture(autouse=True)
def nothing_set(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENV_SECRET, raising=False)
    monkeypatch.delenv(ENV_FILE, raising=False)
    settings.JAZZAUTH = {
        key: value for key, value in settings.JAZZAUTH.items() if key != "WORKER_SECRET"
    }


def test_the_line_for_the_environment_is_all_that_is_printed(jazzauth: Run) -> None:
    ran = jazzauth("init")
    name, _, text = ran.out.strip().partition("=")
    assert name == ENV_SECRET
    secret = WorkerSecret.from_text(text)
    assert secret.worker_id in ran.err
    assert text not in ran.err


def test_two_are_never_equal(jazzauth: Run) -> None:
    assert jazzauth("init").out != jazzauth("init").out


def test_a_file_is_made_for_its_owner_only(jazzauth: Run, tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "worker"
    ran = jazzauth("init", "--file", str(path))
    assert not ran.failed
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text().strip()
    assert text not in ran.out + ran.err
    assert WorkerSecret.from_text(text).worker_id in ran.out
    settings.JAZZAUTH = {**settings.JAZZAUTH, "WORKER_SECRET_FILE": str(path)}
    assert worker_secret().worker_id in ran.out


def test_the_file_that_the_settings_name_is_made(
    jazzauth: Run, tmp_path: Path, settings: Any
) -> None:
    path = tmp_path / "worker"
    settings.JAZZAUTH = {**settings.JAZZAUTH, "WORKER_SECRET_FILE": str(path)}
    assert not jazzauth("init", "--file", str(path)).failed
    assert worker_secret().to_text() == path.read_text().strip()


@pytest.mark.parametrize("content", ["", "something else"])
def test_a_file_is_never_overwritten(jazzauth: Run, tmp_path: Path, content: str) -> None:
    path = tmp_path / "worker"
    path.write_text(content)
    ran = jazzauth("init", "--file", str(path))
    assert "never overwritten" in ran.failed
    assert ran.status == 1
    assert path.read_text() == content


def test_a_link_is_not_followed(jazzauth: Run, tmp_path: Path) -> None:
    target = tmp_path / "target"
    link = tmp_path / "link"
    link.symlink_to(target)
    assert jazzauth("init", "--file", str(link)).failed
    assert not target.exists()


def test_a_missing_directory_is_told(jazzauth: Run, tmp_path: Path) -> None:
    ran = jazzauth("init", "--file", str(tmp_path / "none" / "worker"))
    assert "cannot be made" in ran.failed
    assert ran.status == 1


def test_a_second_secret_is_refused(
    jazzauth: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    text = jazzauth("init").out.strip().partition("=")[2]
    settings.JAZZAUTH = {**settings.JAZZAUTH, "WORKER_SECRET": text}
    ran = jazzauth("init", "--file", str(tmp_path / "worker"))
    assert "set already" in ran.failed
    assert WorkerSecret.from_text(text).worker_id in ran.failed
    assert text not in ran.failed
    assert not (tmp_path / "worker").exists()


def test_a_mistyped_secret_is_told_apart_from_none(
    jazzauth: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENV_SECRET, "jazzauth-worker-1-abc")
    ran = jazzauth("init")
    assert "cannot be right" in ran.failed
    assert "jazzauth-worker-1-abc" not in ran.failed
