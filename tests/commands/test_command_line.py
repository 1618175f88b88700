"""The command as it is typed, in a process of its own: clear texts, exit statuses, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from django_jazzauth.keys.secret import WorkerSecret

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A new SQLite file without tables."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "JAZZAUTH_TEST_DB": "sqlite",
        "JAZZAUTH_TEST_SQLITE_FILE": str(tmp_path / "db.sqlite3"),
        "JAZZAUTH_TEST_WORKER_SECRET": WorkerSecret.generate().to_text(),
        "PYTHONPATH": str(ROOT),
    }


def run(environment: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "django", *args],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def manage(environment: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    done = run(environment, *args)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_before_the_migrations(environment: dict[str, str]) -> None:
    done = manage(environment, "jazzauth", "verify")
    assert done.returncode == 1
    assert "manage.py migrate" in done.stderr
    done = manage(environment, "jazzauth", "doctor", "--json")
    assert done.returncode == 1
    findings = {one["subject"]: one for one in json.loads(done.stdout)["findings"]}
    assert findings["database.tables"]["level"] == "error"


def test_from_nothing_to_a_verified_user(environment: dict[str, str]) -> None:
    assert manage(environment, "migrate", "--run-syncdb", "-v0").returncode == 0
    password = {"DJANGO_SUPERUSER_PASSWORD": "correct horse battery"}
    made = manage(
        environment | password,
        *("createsuperuser", "--no-input", "--username", "root", "--email", "root@example.org"),
    )
    assert made.returncode == 0, made.stderr
    assert manage(environment, "jazzauth", "verify").stdout.endswith("Nothing is wrong.\n")
    assert manage(environment, "jazzauth", "rebuild", "--no-input").returncode == 0
    history = manage(environment, "jazzauth", "history", "root@example.org")
    assert "created" in history.stdout
    assert "correct horse" not in history.stdout
    doctor = manage(environment, "jazzauth", "doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "epoch 1 is in use" in doctor.stdout


def test_what_is_mistyped(environment: dict[str, str]) -> None:
    for args in ((), ("nothing",), ("history",), ("as-of", "ana", "yesterday")):
        done = manage(environment, "jazzauth", *args)
        assert done.returncode == 2
        assert "usage:" in done.stderr


@pytest.mark.parametrize("where", ["before", "after"])
def test_djangos_options_before_and_after_the_subcommand(
    environment: dict[str, str], where: str
) -> None:
    del environment["DJANGO_SETTINGS_MODULE"]
    for options in (
        ("--settings", "tests.settings", "-v0", "--no-color"),
        ("--settings=tests.settings", "--verbosity=0", "--pythonpath", "."),
    ):
        split = (options, ()) if where == "before" else ((), options)
        done = manage(environment, "jazzauth", *split[0], "doctor", *split[1])
        assert "manage.py migrate" in done.stdout, done.stderr
        assert done.returncode == 1


def test_djangos_options_after_a_nested_subcommand(environment: dict[str, str]) -> None:
    done = manage(environment, "jazzauth", "worker", "list", "--verbosity", "0")
    assert "manage.py migrate" in done.stderr


def test_a_traceback_when_it_is_asked_for(environment: dict[str, str]) -> None:
    for args in (("--traceback", "verify"), ("verify", "--traceback")):
        done = run(environment, "jazzauth", *args)
        assert "Traceback" in done.stderr
        assert "manage.py migrate" in done.stderr


def test_a_database_that_cannot_be_reached(environment: dict[str, str], tmp_path: Path) -> None:
    environment["JAZZAUTH_TEST_SQLITE_FILE"] = str(tmp_path / "none" / "db.sqlite3")
    for args in (("verify",), ("history", "ana"), ("rebuild", "--no-input")):
        done = manage(environment, "jazzauth", *args)
        assert done.returncode == 1
        assert "unable to open" in done.stderr
    done = manage(environment, "jazzauth", "doctor", "--json")
    assert done.returncode == 1
    findings = {one["subject"]: one for one in json.loads(done.stdout)["findings"]}
    assert findings["database.connection"]["level"] == "error"


def test_help_says_what_each_does(environment: dict[str, str]) -> None:
    text = manage(environment, "jazzauth", "--help").stdout
    for name in ("init", "doctor", "verify", "rebuild", "history", "as-of", "restore"):
        assert name in text
