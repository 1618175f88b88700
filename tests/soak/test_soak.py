"""Short runs of the soak programs, against a database of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def database(tmp_path: Path, transactional_db: None) -> Any:
    """Environment of a fresh, migrated database that several processes can share."""
    env = {**os.environ, "JAZZAUTH_TEST_WORKER_SECRET": settings.JAZZAUTH["WORKER_SECRET"]}
    name = f"soak_{os.getpid()}"
    if connection.vendor == "sqlite":
        env["JAZZAUTH_TEST_SQLITE_FILE"] = str(tmp_path / "soak.sqlite3")
    else:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        env["JAZZAUTH_TEST_DB_NAME"] = name
    env["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "-v0"], env=env, cwd=ROOT, check=True
    )
    yield env
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")


def run(env: dict[str, str], module: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", f"tests.soak.{module}", *arguments],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout, done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


def test_processes_race_for_the_same_users(database: dict[str, str]) -> None:
    outcome = run(database, "race", "--processes", "4", "--writes", "60", "--users", "5")
    assert outcome["first_errors"] == []
    assert (outcome["lost_updates"], outcome["problems"]) == (0, 0)
    assert outcome["rebuild_identical"]


def test_a_killed_writer_loses_nothing_acknowledged(database: dict[str, str]) -> None:
    if connection.vendor == "mysql":
        pytest.skip("shown on SQLite and PostgreSQL")  # the steps are not counted on MariaDB
    outcome = run(database, "kill", "--runs", "6")
    assert outcome["acknowledged"] > 0
    assert (outcome["first_lost"], outcome["first_problems"]) == ([], [])
    assert outcome["first_failed"] == []


def test_keys_change_hands_under_load(database: dict[str, str]) -> None:
    outcome = run(database, "rotation", "--processes", "2", "--rounds", "6")
    assert outcome["requests"] > 0
    assert outcome["first_errors"] == []
    assert (outcome["lost_updates"], outcome["first_problems"]) == (0, [])


def test_keys_are_rewrapped_and_retired_under_load(database: dict[str, str]) -> None:
    outcome = run(database, "rotation", "--processes", "2", "--rounds", "4", "--rewrap")
    assert outcome["requests"] > 0
    assert outcome["first_errors"] == []
    assert (outcome["lost_updates"], outcome["first_problems"]) == (0, [])


def test_searchable_columns_get_new_keys_under_load(database: dict[str, str]) -> None:
    outcome = run(database, "rotation", "--processes", "2", "--rounds", "3", "--reindex")
    assert outcome["requests"] > 0 and outcome["values_moved"] > 0
    assert outcome["first_errors"] == []
    assert (outcome["lost_updates"], outcome["duplicates"]) == (0, 0)
    assert outcome["first_problems"] == []


def test_unique_values_are_won_once_while_their_column_moves(database: dict[str, str]) -> None:
    outcome = run(database, "reindex_race", "--processes", "3", "--rounds", "1")
    assert outcome["steps"] > 5 and outcome["values"] > 20
    assert outcome["first_errors"] == [] == outcome["won_twice"]
    assert (outcome["duplicates"], outcome["lost"], outcome["problems"]) == (0, 0, 0)


def test_killed_commands_finish_when_run_again(database: dict[str, str]) -> None:
    if connection.vendor == "mysql":
        pytest.skip("shown on SQLite and PostgreSQL")
    # Of each command the first run shows how many steps it takes; then it is killed at one of them.
    outcome = run(database, "key_kill", "--runs", "18")
    # A run may take fewer steps than the first one, and come to its end before it is killed.
    at_a_step = [killed["at_a_step"] for killed in outcome["killed"].values()]
    assert sum(map(bool, at_a_step)) >= len(at_a_step) // 2, outcome["killed"]
    assert (outcome["first_wrong"], outcome["first_problems"]) == ([], [])


def test_random_operations_leave_what_a_rebuild_makes(database: dict[str, str]) -> None:
    if connection.vendor == "mysql":
        pytest.skip("shown on SQLite and PostgreSQL")
    outcome = run(database, "random_operations", "--operations", "100", "--every", "500")
    assert outcome["operations"] > 100
    assert sum(outcome["rows_rebuilt_identically"].values()) > 0
    assert outcome["problems"] == []
