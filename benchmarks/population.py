"""Filling a database with people, through the public API of either side."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from . import people
from .world import World

GENERATION = 1
"""Counts up when other people are generated; databases of an older generation are made anew."""

_BATCH = 2000


def add_users(world: World, report: Callable[[int], None]) -> None:
    """Create the people, each with the events and rows that ``bulk_create`` writes.

    Args:
        world: an empty database.
        report: told now and then how many exist.
    """
    model = world.user_model

    def users(start: int, stop: int) -> list[Any]:
        return [model(**people.person(number)) for number in range(start, stop)]

    _in_batches(world.users, model, users, report)


def add_sessions(world: World, report: Callable[[int], None]) -> None:
    """Give everybody a session, as it is after a sign-in.

    Args:
        world: a database with the people in it.
        report: told now and then how many exist.
    """
    model = world.session_model
    expires = timezone.now() + timedelta(days=3650)

    def sessions(start: int, stop: int) -> list[Any]:
        rows = []
        for number in range(start, stop):
            user = world.user_model(**people.person(number))
            rows.append(model(**world.session_fields(number, user, expires)))
        return rows

    _in_batches(world.users, model, sessions, report)


def _in_batches(
    total: int,
    model: Any,
    rows: Callable[[int, int], list[Any]],
    report: Callable[[int], None],
) -> None:
    for start in range(0, total, _BATCH):
        stop = min(start + _BATCH, total)
        with transaction.atomic():
            model.objects.bulk_create(rows(start, stop))
        report(stop)
