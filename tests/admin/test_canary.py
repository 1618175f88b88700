"""Marked values, typed into the admin, are readable in no table, file or log line."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from django_jazzauth.keys.secret import WorkerSecret

from .canary_visit import MARK, PASSWORD, visit

ROOT = Path(__file__).resolve().parents[2]


def readable(content: bytes, marks: list[str]) -> list[str]:
    """Which of the marked values can be read, as text or as hexadecimal."""
    lower = content.lower()
    return [
        mark
        for mark in marks
        if mark.lower().encode() in lower
        or mark.encode("utf-16-le") in content
        or mark.encode().hex().encode() in lower
    ]


@pytest.mark.django_db
def test_no_table_holds_a_marked_value(settings: Any, caplog: Any) -> None:
    settings.ROOT_URLCONF = "tests.admin.urls"
    caplog.set_level(logging.DEBUG)
    get_user_model().objects.create_superuser("root", "root@example.org", PASSWORD)
    secrets = visit(Client())
    tables = connection.introspection.table_names()
    assert "jazzauth_event" in tables
    assert "django_admin_log" in tables
    for table in tables:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                for value in row:
                    raw = bytes(value) if isinstance(value, bytes | memoryview) else b""
                    assert not readable(raw or str(value).encode(), secrets), table
    assert not readable(caplog.text.encode(), secrets)


def test_no_file_and_no_output_holds_a_marked_value(tmp_path: Path) -> None:
    notes = tmp_path / "notes.json"
    place = tmp_path / "data"
    place.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.admin.canary_visit", str(notes)],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "JAZZAUTH_TEST_DB": "sqlite",
            "JAZZAUTH_TEST_SQLITE_FILE": str(place / "db.sqlite3"),
            "JAZZAUTH_TEST_WORKER_SECRET": WorkerSecret.generate().to_text(),
            "TMPDIR": str(place),
        },
        cwd=ROOT,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    secrets = json.loads(notes.read_text())
    assert MARK in "".join(secrets)
    files = sorted(path for path in place.rglob("*") if path.is_file())
    assert any(path.name.startswith("db.sqlite3") for path in files)
    for path in files:
        content = path.read_bytes()
        assert not readable(content, secrets), path.name
    assert not readable(done.stdout + done.stderr, secrets)
