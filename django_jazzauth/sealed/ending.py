"""Entities that are being deleted right now: their members go with them, and are kept as they were.

Those that are deleted together are written down together, when the last of them is gone. All this
holds while the transaction block is open in which the deletion runs, so what a rollback leaves
behind means nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from ..store.sealing import Head

_MARKS = "jazzauth_ending"
_GONE = "jazzauth_gone_along"
MOST_ALONG = 10_000


@dataclass(slots=True)
class Ending:
    """An entity that ends.

    Attributes:
        stream: its stream.
        subject: whose data key seals its last event.
        seen: the newest head as far as is known; None: ask the log.
        owners: streams of what it hung on: what is deleted with one of them comes back with it.
        along: streams of what hung on it and was deleted with it.
    """

    stream: str
    subject: str
    seen: Head | None
    owners: tuple[str, ...] = ()
    along: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    """The entities of one kind that one block deletes."""

    block: Any
    entity: str
    streams: list[str] = field(default_factory=list)
    gone: list[Ending] = field(default_factory=list)


def mark_ending(connection: BaseDatabaseWrapper, entity: str, stream: str) -> None:
    """Note that the entity of ``stream`` is being deleted in the innermost transaction block."""
    marks: dict[str, _Group] = connection.__dict__.setdefault(_MARKS, {})
    if marks and not _open(connection, next(iter(marks.values())).block):
        marks.clear()
    if connection.atomic_blocks:
        block = connection.atomic_blocks[-1]
        group = next(reversed(marks.values())) if marks else None
        if group is None or group.block is not block or group.entity != entity:
            group = _Group(block, entity)
        group.streams.append(stream)
        marks[stream] = group


def now_gone(connection: BaseDatabaseWrapper, ending: Ending) -> list[Ending]:
    """Note that the row of an entity is deleted.

    Returns:
        The endings to write down now: those of all that are deleted with it, once it is the last.
    """
    marks: dict[str, _Group] = connection.__dict__.get(_MARKS, {})
    group = marks.get(ending.stream)
    if group is None:
        return [ending]
    group.gone.append(ending)
    if len(group.gone) < len(group.streams):
        return []
    for stream in group.streams:
        marks.pop(stream, None)
    return group.gone


def gather_along(connection: BaseDatabaseWrapper, endings: list[Ending]) -> None:
    """Tell those that end now what has ended with them in the same call of ``delete``.

    Django deletes what hangs on a row before the row, in one transaction block. Beyond
    ``MOST_ALONG`` streams no more are noted, so that the event cannot grow without end.
    """
    gone: dict[Any, dict[str, list[str]]] = connection.__dict__.setdefault(_GONE, {})
    for block in [block for block in gone if not _open(connection, block)]:
        del gone[block]
    if not connection.atomic_blocks:
        return
    by_owner = gone.setdefault(connection.atomic_blocks[-1], {})
    for ending in endings:
        for owner in ending.owners:
            noted = by_owner.setdefault(owner, [])
            if len(noted) < MOST_ALONG:
                noted.append(ending.stream)
    for ending in endings:
        ending.along = by_owner.pop(ending.stream, [])


def is_ending(connection: BaseDatabaseWrapper, stream: str) -> bool:
    """Whether the entity of ``stream`` is being deleted."""
    group = connection.__dict__.get(_MARKS, {}).get(stream)
    return group is not None and _open(connection, group.block)


def _open(connection: BaseDatabaseWrapper, block: Any) -> bool:
    return any(open_block is block for open_block in connection.atomic_blocks)
