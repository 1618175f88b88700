"""A worker process: one side, fed with requests on stdin, one JSON line each.

``python -m benchmarks.worker``; :mod:`benchmarks.processes` is the other end. Every request is
answered with one line; while a database is filled, lines with ``progress`` come before it.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import django
from django.core.exceptions import ObjectDoesNotExist
from django.core.management import call_command
from django.db import DatabaseError

from django_jazzauth.errors import JazzAuthError

from . import people
from .operations import BY_KEY, sign_in
from .population import GENERATION, add_sessions, add_users
from .storage import conditions, expect_much, fingerprint, table_sizes, tidy
from .timing import count_statements, run_slice, warm_up
from .world import World
from .writing import write_together


class Worker:
    """Answers the requests. Each public method is one of them."""

    def __init__(self) -> None:
        self._world: World | None = None

    def populate(self, users: int) -> dict[str, Any]:
        """Make the tables and fill them; the sizes after the users and after their sessions."""
        call_command("migrate", verbosity=0, interactive=False, run_syncdb=True)
        expect_much()
        empty = table_sizes()
        world = World(users)
        add_users(world, lambda count: _say({"progress": ["users", count, users]}))
        tidy()
        with_users = table_sizes()
        add_sessions(world, lambda count: _say({"progress": ["sessions", count, users]}))
        tidy()
        return {"empty": empty, "users": with_users, "sessions": table_sizes()}

    def fingerprint(self) -> str:
        """Names the tables and people that this release would make."""
        return fingerprint(GENERATION)

    def probe(self, users: int) -> bool:
        """Whether the last person and their session are there and can be opened."""
        world = World(users)
        try:
            user = world.user_model.objects.get(pk=people.person_id(users - 1))
            key = people.session_key(users - 1)
            session = world.session_model.objects.get(session_key=key)
        except (ObjectDoesNotExist, DatabaseError, JazzAuthError):
            return False
        return bool(user.email == people.email(users - 1) and session.get_decoded())

    def open(self, users: int) -> dict[str, Any]:
        """Get ready to time operations; the conditions under which that happens."""
        self._world = World(users)
        found = conditions()
        found["Django"] = django.get_version()
        return found

    def warm_up(self, key: str) -> int:
        """Get ready for an operation; the number of SQL statements that one call takes then."""
        operation = BY_KEY[key]
        warm_up(self._there, operation)
        return count_statements(self._there, operation)

    def slice(self, key: str, calls: int, number: int) -> dict[str, int]:
        """Time one slice; see :func:`benchmarks.timing.run_slice`."""
        return run_slice(self._there, BY_KEY[key], calls, number)

    def logins(self, count: int) -> dict[str, Any]:
        """Sign that many people in for good; the sizes before and after."""
        world = self._there
        tidy()
        before = table_sizes()
        for number in range(count):
            sign_in(world, world.user_model.objects.get(pk=people.person_id(number)))
        tidy()
        return {"before": before, "after": table_sizes()}

    def migrate(self) -> None:
        """Make the tables, and the keys by a first user."""
        call_command("migrate", verbosity=0, interactive=False, run_syncdb=True)
        World(1).user_model.objects.create(**people.person(0))

    def write(self, kind: str, writers: int, seconds: int) -> dict[str, Any]:
        """Let many processes write; see :func:`benchmarks.writing.write_together`."""
        return write_together(kind, writers, seconds)

    def memory(self) -> int:
        """The most memory that this process has had, in bytes."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    @property
    def _there(self) -> World:
        if self._world is None:
            raise RuntimeError("open() comes first")
        return self._world


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Answer requests until stdin ends."""
    django.setup()
    worker = Worker()
    for line in sys.stdin:
        request = json.loads(line)
        answer: Callable[..., Any] = getattr(worker, request["do"])
        _say({"answer": answer(**request["with"])})


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # the controlling process says so already
        main()
