"""Reading the log as it is committed: nothing twice, nothing left out, each stream in its order.

On SQLite and MariaDB writers follow each other, so positions are given in the order of commits, and
what is read is everything after the last position.

On PostgreSQL a transaction may take position 7, another take 8 and commit, and 7 commit an hour
later, or never. So a missing position is a *gap*, which is looked at again until nothing can come
in it any more. Whoever takes a position holds a lock on the table from before that moment to the
end of its transaction. The gap is therefore closed by the first look at the log that begins when
none of those who held the lock after the gap was seen holds it any more. Unlike an order by
transaction ids this holds across restored dumps and upgraded servers, where those begin anew, and
the list of events needs no index but its own.

The order within a stream is that of positions: a version can only be written by who sees the one
before. One statement reads the gaps and what is new, so it sees no later version without the
earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connections, transaction

from ...errors import RelayError
from ..models import EVENT_TABLE
from .wire import EventCarried, event_of

Gap = tuple[int, int]

_COLUMNS = (
    "position, txid, stream, version, type, schema, key_id, recorded_at, digest, payload, "
    "payload_hash"
)


@dataclass(slots=True)
class Place:
    """How far the log was read.

    Attributes:
        high: the highest position.
        gaps: stretches of positions below it, first and last, in which something may still commit.
    """

    high: int = 0
    gaps: list[Gap] = field(default_factory=list)

    def copy(self) -> Place:
        """Another one that says the same."""
        return Place(self.high, list(self.gaps))


class Tail:
    """One reader of the log.

    Args:
        alias: database alias; not that of a replica, on which nobody holds locks.
        place: where to go on.
    """

    def __init__(self, alias: str, place: Place) -> None:
        self._alias = alias
        self.place = place
        # By gap, who held the lock after it was first seen. What an earlier process saw is not
        # known any more; whoever still can write there holds the lock now.
        self._holders: dict[Gap, frozenset[str]] = {}

    def read(self, limit: int) -> tuple[list[EventCarried], Place]:
        """The next events.

        Args:
            limit: how many at most, late ones not counted.

        Returns:
            The events, and the place that is reached when they are dealt with: give it to
            :meth:`reached` then.

        Raises:
            RelayError: a transaction is open, whose own events could still be rolled back.
            StoreError: a row of the log was changed.
        """
        connection = connections[self._alias]
        if connection.in_atomic_block:
            raise RelayError("The log cannot be followed inside a transaction.")
        late = connection.vendor == "postgresql"
        before = self.place
        writing = self._writing() if late and before.gaps else frozenset()
        events = [event_of(row) for row in self._rows(before, limit)]
        after = before.copy()
        found = [event.position for event in events]
        if late:
            after.gaps = [*self._still_open(before.gaps, writing, found)]
        for position in found:
            if position <= after.high:
                continue
            if late and position > after.high + 1:
                after.gaps.append((after.high + 1, position - 1))
            after.high = position
        if late:
            self._note_holders(after.gaps)
        return events, after

    def reached(self, place: Place) -> None:
        """Everything up to this place was dealt with."""
        self.place = place

    def _rows(self, place: Place, limit: int) -> list[tuple[object, ...]]:
        beyond = (
            f"SELECT {_COLUMNS} FROM {EVENT_TABLE} WHERE position > %s "  # noqa: S608 - constants
            "ORDER BY position LIMIT %s"
        )
        params: list[Any] = [place.high, limit]
        if place.gaps:
            beyond = (
                f"SELECT {_COLUMNS} FROM ({beyond}) fresh "  # noqa: S608 - constants only
                f"UNION ALL SELECT {_COLUMNS} FROM {EVENT_TABLE} "
                "JOIN unnest(%s::bigint[], %s::bigint[]) AS gap(first, last) "
                "ON position BETWEEN gap.first AND gap.last ORDER BY position"
            )
            params += [[first for first, _ in place.gaps], [last for _, last in place.gaps]]
        with connections[self._alias].cursor() as cursor:
            cursor.execute(beyond, params)
            rows = cursor.fetchall()
        return [_plain(row) for row in rows]

    def _writing(self) -> frozenset[str]:
        """Transactions that may have taken positions: they hold the lock of a writer."""
        with connections[self._alias].cursor() as cursor:
            cursor.execute(
                "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' "  # noqa: S608
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
                f"AND relation = '{EVENT_TABLE}'::regclass AND mode = 'RowExclusiveLock' "
                "AND granted"
            )
            return frozenset(row[0] for row in cursor.fetchall())

    def _still_open(
        self, gaps: Iterable[Gap], writing: frozenset[str], found: list[int]
    ) -> Iterator[Gap]:
        for gap in gaps:
            holders = self._holders.get(gap)
            if holders is not None and not holders & writing:
                continue  # the look that has just been taken saw all that could come
            for part in _without(gap, found):
                if holders is not None:
                    self._holders[part] = holders
                yield part

    def _note_holders(self, gaps: list[Gap]) -> None:
        self._holders = {gap: self._holders[gap] for gap in gaps if gap in self._holders}
        unknown = [gap for gap in gaps if gap not in self._holders]
        if unknown:
            writing = self._writing()
            self._holders.update(dict.fromkeys(unknown, writing))


def stream_events(alias: str, stream: str, until: int) -> list[EventCarried]:
    """The events of one stream up to a version, oldest first, as they are now."""
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM {EVENT_TABLE} "  # noqa: S608 - constants only
            "WHERE stream = %s AND version <= %s ORDER BY version",
            [stream, until],
        )
        return [event_of(_plain(row)) for row in cursor.fetchall()]


def _plain(row: tuple[object, ...]) -> tuple[object, ...]:
    """Ids and bytes, whichever way this database gives them."""
    values = list(row)
    key_id = values[6]
    if isinstance(key_id, str):
        values[6] = bytes.fromhex(key_id.replace("-", ""))
    elif key_id is not None and hasattr(key_id, "bytes"):
        values[6] = key_id.bytes
    for index in (8, 9, 10):
        value = values[index]
        if isinstance(value, memoryview | bytearray):
            values[index] = bytes(value)
    return tuple(values)


def _without(gap: Gap, found: Iterable[int]) -> Iterator[Gap]:
    first, last = gap
    for position in found:
        if first <= position <= last:
            if position > first:
                yield first, position - 1
            first = position + 1
    if first <= last:
        yield first, last
