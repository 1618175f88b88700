"""The repository itself: complete migrations, small modules, a lock without addresses, the demo."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[2]
LONGEST_MODULE = 400


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)


def test_modules_are_small() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "django_jazzauth").rglob("*.py")
        if "migrations" not in path.parts
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_MODULE
    }
    assert long == {}


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-docs.txt"])
def test_the_lock_has_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links|@ ", text)
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 20
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def demo(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if "JAZZAUTH" not in key}
    return subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *arguments],
        cwd=ROOT,
        env={
            **inherited,
            "DJANGO_SETTINGS_MODULE": "example_project.settings",
            "JAZZAUTH_DEMO_DIR": str(directory),
            **environment,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_demo_can_be_repeated(tmp_path: Path) -> None:
    for _ in range(2):
        done = demo(tmp_path, "demo", "--check")
        assert done.stderr == ""
        assert done.returncode == 0
    assert "SealBroken" in done.stdout
    assert 18 <= len(done.stdout.splitlines()) <= 30
    assert (tmp_path / "worker-secret").stat().st_mode & 0o777 == 0o600
    secret = (tmp_path / "worker-secret").read_text().strip()
    assert secret not in done.stdout


def test_the_demo_fails_on_a_surprise(tmp_path: Path) -> None:
    assert demo(tmp_path, "demo", "--check").returncode == 0
    with closing(sqlite3.connect(tmp_path / "demo.sqlite3")) as database, database:
        database.execute(
            "UPDATE jazzauth_event SET payload = zeroblob(40) WHERE position = "
            "(SELECT position FROM jazzauth_event WHERE version = 1 AND stream LIKE 'user/%' "
            "LIMIT 1)"
        )
    done = demo(tmp_path, "demo", "--check")
    assert done.returncode == 1
    assert "The tour saw something it should not have" in done.stderr


def test_the_demo_changes_nothing_where_its_address_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = demo(tmp_path, "demo", "--address", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert 'make demo ARGS="--address 127.0.0.1:' in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert "no address" in demo(tmp_path, "demo", "--address", "everywhere").stderr
    assert list(tmp_path.iterdir()) == []


def test_the_example_is_ready_for_a_server(tmp_path: Path) -> None:
    """With what a server needs, its settings pass the checks; without, they say what is missing."""
    done = demo(tmp_path, "check", DJANGO_DEBUG="0")
    assert "jazzauth.E002" in done.stderr
    assert "jazzauth.E003" in done.stderr
    secret: dict[str, Any] = {"JAZZAUTH_WORKER_SECRET": _new_secret(tmp_path)}
    done = demo(
        tmp_path,
        "check",
        DJANGO_DEBUG="0",
        DJANGO_SECRET_KEY="k" * 30 + "0123456789abcdefghij",
        **secret,
    )
    assert done.returncode == 0, done.stderr


def _new_secret(directory: Path) -> str:
    done = demo(directory, "jazzauth", "init")
    name, _, value = done.stdout.strip().partition("=")
    assert name == "JAZZAUTH_WORKER_SECRET"
    return value
