"""What the tests of re-indexing share."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from django_jazzauth.store import reindex as module
from django_jazzauth.store.reindex import all_columns
from tests.testapp.models import Patient, Treatment, Ward

User: Any = get_user_model()


class Killed(BaseException):
    """What stands for SIGKILL within one process; the soak tests send a real one."""


def columns(*names: str) -> list[Any]:
    return [column for column in all_columns() if str(column) in names]


def generations(table: str, column: str) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL")
        return {bytes(row[0])[1] for row in cursor.fetchall()}


def populate(count: int = 12) -> None:
    for n in range(count):
        owner = User.objects.create_user(f"u{n}", f"U{n}@example.org", "pw")
        Patient.objects.create(record_no=f"r{n}", email=f"same{n % 3}@example.org", owner=owner)
        Treatment.objects.create(code=f"c{n % 4}")
    Ward.objects.create(name="North")


def stop_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Let a run die after that many steps."""
    left = [steps]
    real = module.move_boundary

    def die(*arguments: Any) -> None:
        real(*arguments)
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    monkeypatch.setattr(module, "move_boundary", die)
