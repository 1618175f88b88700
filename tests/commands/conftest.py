"""Running the commands, and somebody to run them on."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection


@dataclass(frozen=True)
class Ran:
    """What a command printed and how it ended."""

    out: str
    err: str
    failed: str = ""
    status: int = 0


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


Run = Callable[..., Ran]


@pytest.fixture
def jazzauth() -> Run:
    """Run ``manage.py jazzauth …`` and keep what it says."""

    def run(*args: str, terminal: bool = False) -> Ran:
        out = io.StringIO()
        err = Terminal() if terminal else io.StringIO()
        try:
            call_command("jazzauth", *args, stdout=out, stderr=err, no_color=True)
        except CommandError as error:
            return Ran(out.getvalue(), err.getvalue(), str(error), error.returncode)
        return Ran(out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def ana(db: None) -> Any:
    """A user with two changes."""
    user = get_user_model().objects.create_user("ana", "Ana@Example.org", "pw", name="Ana Meier")
    user.name = "Ana Fox"
    user.save()
    return user


def sql(statement: str, *params: Any) -> int:
    """Change something past the application; how many rows it was."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)
