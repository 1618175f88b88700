"""Processes that meet an empty database at the same moment."""

import json
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from django_jazzauth.keys.models import DataKey, Epoch, Grant, IndexRoot, Worker
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.source import worker_secret

ROOT = Path(__file__).parent.parent.parent
PROCESSES = 6
SUBJECTS = [f"user/{number}" for number in range(60)]


def start(database, secret=None, subjects=SUBJECTS, *, tables=False, provider=None):
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.keys.race_child"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    task = {
        "database": database,
        "jazzauth": {
            "WORKER_SECRET": (secret or worker_secret()).to_text(),
            "KEY_PROVIDER": provider,
        },
        "subjects": random.sample(subjects, len(subjects)),
        "tables": tables,
    }
    child.stdin.write(json.dumps(task) + "\n")
    child.stdin.flush()
    return child


def race(children):
    for child in children:
        assert child.stdout.readline() == "ready\n", child.communicate()[1]
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    return [(child, *child.communicate(timeout=120)) for child in children]


@pytest.fixture
def database(tmp_path, committed_ring):
    """Settings of a database without keys that other processes can open."""
    if connection.vendor == "sqlite":
        # The test database may live in this process's memory.
        settings = {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(tmp_path / "race.sqlite3"),
            "OPTIONS": {
                "timeout": 60,
                "init_command": "PRAGMA journal_mode=WAL",
            },
        }
        race([start(settings, WorkerSecret.generate(), [], tables=True)])
        clear_sqlite(settings["NAME"])
        return settings
    known = ("ENGINE", "NAME", "HOST", "PORT", "USER", "PASSWORD", "OPTIONS")
    return {key: connection.settings_dict[key] for key in known}


def clear_sqlite(name):
    with closing(sqlite3.connect(name)) as raw, raw:
        for table in ("data_key", "index_column", "index_root", "grant", "epoch", "worker"):
            raw.execute(f"DELETE FROM jazzauth_{table}")


def count(database, table):
    if connection.vendor != "sqlite":
        models = {"epoch": Epoch, "grant": Grant, "worker": Worker, "index_root": IndexRoot}
        return {**models, "data_key": DataKey}[table].objects.count()
    with closing(sqlite3.connect(database["NAME"])) as raw:
        return raw.execute(f"SELECT COUNT(*) FROM jazzauth_{table}").fetchone()[0]


@pytest.mark.parametrize("provider", [None, "tests.keys.unsealing.UnsealOnly"])
def test_processes_with_one_secret_agree_on_every_key(database, provider):
    results = race([start(database, provider=provider) for _ in range(PROCESSES)])
    assert [errors for _, _, errors in results] == [""] * PROCESSES
    first, *others = [json.loads(output) for _, output, _ in results]
    assert all(other == first for other in others)
    assert len(first["ids"]) == len(set(first["ids"].values())) == 2 * len(SUBJECTS)
    for table in ("epoch", "grant", "worker", "index_root"):
        assert count(database, table) == 1
    assert count(database, "data_key") == 2 * len(SUBJECTS)


def test_of_processes_with_different_secrets_one_wins_and_the_others_are_refused(database):
    results = race([start(database, WorkerSecret.generate()) for _ in range(3)])
    winners = [child for child, _, _ in results if child.returncode == 0]
    refusals = [errors for child, _, errors in results if child.returncode != 0]
    assert len(winners) == 1
    assert len(refusals) == 2 and all("WrongWorkerSecret" in errors for errors in refusals)
    for table in ("epoch", "grant", "worker", "index_root"):
        assert count(database, table) == 1
