"""Entities that are being deleted right now: their members go with them, and are kept as they were.

A mark holds while the transaction block is open in which the deletion runs, so one that a rollback
leaves behind means nothing.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

_MARKS = "jazzauth_ending"


def mark_ending(connection: BaseDatabaseWrapper, stream: str) -> None:
    """Note that the entity of ``stream`` is being deleted in the innermost transaction block."""
    marks: dict[str, Any] = connection.__dict__.setdefault(_MARKS, {})
    if marks and not _open(connection, next(iter(marks.values()))):
        marks.clear()
    if connection.atomic_blocks:
        marks[stream] = connection.atomic_blocks[-1]


def unmark_ending(connection: BaseDatabaseWrapper, stream: str) -> None:
    """Note that it is deleted."""
    connection.__dict__.get(_MARKS, {}).pop(stream, None)


def is_ending(connection: BaseDatabaseWrapper, stream: str) -> bool:
    """Whether the entity of ``stream`` is being deleted."""
    block = connection.__dict__.get(_MARKS, {}).get(stream)
    return block is not None and _open(connection, block)


def _open(connection: BaseDatabaseWrapper, block: Any) -> bool:
    return any(open_block is block for open_block in connection.atomic_blocks)
