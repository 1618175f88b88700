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
class _Together:
    """The entities that one block deletes.

    Attributes:
        block: the transaction block.
        streams: all of them.
        waiting: those whose row is still there.
        gone: the others, by their model's binding.
    """

    block: Any
    streams: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    gone: dict[Any, list[Ending]] = field(default_factory=dict)


def mark_ending(connection: BaseDatabaseWrapper, stream: str) -> None:
    """Note that the entity of ``stream`` is being deleted in the innermost transaction block."""
    marks: list[_Together] = connection.__dict__.setdefault(_MARKS, [])
    if marks:
        marks[:] = [together for together in marks if _open(connection, together.block)]
    if not connection.atomic_blocks:
        return
    block = connection.atomic_blocks[-1]
    for together in marks:
        if together.block is block:
            break
    else:
        together = _Together(block)
        marks.append(together)
    together.streams.add(stream)
    together.waiting.add(stream)


def now_gone(
    connection: BaseDatabaseWrapper, binding: Any, ending: Ending
) -> list[tuple[Any, list[Ending]]]:
    """Note that the row of an entity is deleted.

    Args:
        connection: where.
        binding: of the entity's model.
        ending: the entity.

    Returns:
        What to write down now, by binding, and in this order: all that are deleted with it, once it
        is the last. What hangs on another comes before that, whichever row Django deleted first.
    """
    marks: list[_Together] = connection.__dict__.get(_MARKS, [])
    for together in reversed(marks):
        if ending.stream in together.waiting and _open(connection, together.block):
            break
    else:
        return [(binding, [ending])]
    together.waiting.discard(ending.stream)
    together.gone.setdefault(binding, []).append(ending)
    if together.waiting:
        return []
    marks.remove(together)
    groups = list(together.gone.items())
    return groups if len(groups) == 1 else _in_order(groups)


def _in_order(groups: list[tuple[Any, list[Ending]]]) -> list[tuple[Any, list[Ending]]]:
    named = [
        (group, {e.stream for e in group[1]}, {o for e in group[1] for o in e.owners})
        for group in groups
    ]
    found = []
    while named:
        for each in named:
            if not any(each[1] & other[2] for other in named if other is not each):
                break
        else:
            each = named[0]  # they hang on one another
        named.remove(each)
        found.append(each[0])
    return found


def gather_along(connection: BaseDatabaseWrapper, endings: list[Ending]) -> None:
    """Tell those that end now what has ended with them in the same call of ``delete``.

    Django deletes what hangs on a row before the row, in one transaction block. Beyond
    ``MOST_ALONG`` streams no more are noted, so that the event cannot grow without end.
    """
    gone: dict[Any, dict[str, list[str]]] = connection.__dict__.setdefault(_GONE, {})
    if gone:
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
    marks: list[_Together] = connection.__dict__.get(_MARKS, [])
    return any(stream in each.streams and _open(connection, each.block) for each in marks)


def _open(connection: BaseDatabaseWrapper, block: Any) -> bool:
    return block in connection.atomic_blocks  # which are equal to themselves alone
