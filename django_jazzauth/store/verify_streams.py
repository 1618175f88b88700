"""The streams of the log: versions, the chain of digests, and whether every payload opens.

One page of events is in memory at a time, and of each stream what its next event must fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from ..crypto.digest import payload_hash
from ..crypto.envelope import Envelope
from ..errors import JazzAuthError, KeyDestroyed, KeyUnavailable, SealBroken, WrongWorkerSecret
from ..keys.keyring import keyring
from ..keys.sql import as_id
from ..keys.tombstones import read_tombstones
from .chained import digest_of, place_of
from .journal import COMPACTED, ENDED, NO_DIGEST
from .problems import Report
from .registry import projector_for
from .sealing import Head, State, event_aad, open_payload

PAGE = 2000
_COLUMNS = (
    "stream, version, type, schema, key_id, recorded_at, digest, payload, payload_hash, position"
)


@dataclass(frozen=True, slots=True)
class Row:
    """An event as it stands in the table."""

    stream: str
    version: int
    type: str
    schema: int
    key_id: bytes
    recorded_at: int
    digest: bytes
    payload: bytes | None = field(repr=False)
    payload_hash: bytes | None
    position: int


@dataclass(frozen=True, slots=True)
class Newest:
    """Where a living stream stands: what its row must show.

    Attributes:
        head: the newest event; its state is empty if ``opaque``.
        opaque: the state cannot be read.
        shredded: and that because the data key is destroyed.
    """

    head: Head
    opaque: bool
    shredded: bool = False


class Walk:
    """Events in the order of their streams and versions, checked one by one.

    Args:
        alias: database alias.
        report: where problems go.
    """

    def __init__(self, alias: str, report: Report) -> None:
        self._alias = alias
        self._report = report
        self._keys: dict[bytes, Envelope | JazzAuthError] = {}
        self._ends: dict[bytes, int] = {}
        self._stream = ""
        self._last: Row | None = None

    def page(self, rows: list[tuple[Any, ...]]) -> Iterator[tuple[str, Newest]]:
        """Check a page of rows; gives the living streams that ended within it."""
        events = [row_of(values) for values in rows]
        self._fetch_keys({event.key_id for event in events if event is not None})
        for values, event in zip(rows, events, strict=True):
            self._report.events += 1
            if event is None:
                # Without types of its own (SQLite) a database can hold anything in any column.
                stream = values[0] if isinstance(values[0], str) else ""
                detail = "a column of this event holds what it cannot hold"
                self._report.found("EVENT_UNREADABLE", stream, None, detail)
                continue
            if event.stream != self._stream:
                yield from self.end()
                self._begin(event.stream)
                self._report.streams += 1
            self._event(event)

    def end(self) -> Iterator[tuple[str, Newest]]:
        """The stream that was read last, if it is a living one."""
        last = self._last
        if last is None:
            return
        self._last = None
        if self._unread:
            self._found("PAYLOAD_MISSING", self._unread, "the payload is gone; nothing dropped it")
        if projector_for(last.stream) is None:
            self._found("UNKNOWN_ENTITY", last.version, "no installed model has this entity name")
        elif last.type not in ENDED:
            state, opaque = (self._state or {}), self._state is None
            head = Head(last.version, last.schema, last.digest, last.recorded_at, state)
            yield last.stream, Newest(head, opaque, self._shredded)

    def _begin(self, stream: str) -> None:
        self._stream = stream
        self._expected = 1
        self._previous = NO_DIGEST
        self._position: int | None = None
        self._unread = 0
        self._shredded = False
        self._state: State | None = None

    def _found(self, code: str, version: int, detail: str) -> None:
        self._report.found(code, self._stream, version, detail)

    def _event(self, event: Row) -> None:
        version = event.version
        if version > self._expected:
            self._found("EVENT_MISSING", self._expected, "the stream has a gap before this version")
        elif version < self._expected:
            self._found(
                "EVENT_REPEATED", version, "the stream has this version twice, or none such"
            )
        self._expected = version + 1
        if self._position is not None and event.position <= self._position:
            self._found("POSITION_ORDER", version, "it stands before its predecessor in the log")
        self._position = event.position
        hashed = event.payload_hash
        if event.payload is not None:
            hashed = payload_hash(event.payload)
        if digest_of(event, self._previous, hashed) != event.digest or (
            event.payload_hash is not None and event.payload_hash != hashed
        ):
            self._found("CHAIN_BROKEN", version, "the event or one before it was changed")
        self._previous = event.digest
        self._last = event
        self._open(event)

    def _open(self, event: Row) -> None:
        self._state = None
        key = self._keys[event.key_id]
        self._shredded = isinstance(key, KeyDestroyed)
        if self._shredded:
            # The chain is all that is left, with a payload or without. Whoever can write to the
            # database can make one; but not at a place that the log had then.
            if event.position > self._ends.get(event.key_id, event.position):
                detail = "it was written after its data key was destroyed"
                self._found("AFTER_DESTRUCTION", event.version, detail)
            return
        if event.payload is None:
            self._unread = self._unread or event.version
            return
        if isinstance(key, KeyUnavailable):
            self._found("KEY_MISSING", event.version, str(key))
            return
        if isinstance(key, JazzAuthError):
            self._found("KEY_BROKEN", event.version, str(key))
            return
        try:
            aad = event_aad(place_of(event))
            self._state, _ = open_payload(key, aad, event.payload, event.stream)
        except (ValueError, SealBroken):
            self._found("SEAL_BROKEN", event.version, "the event's payload does not open")
            return
        if event.type == COMPACTED:
            # Only the application can have sealed it: the payloads before it were dropped by it.
            self._unread = 0

    def _fetch_keys(self, ids: set[bytes]) -> None:
        keys = keyring(self._alias)
        try:
            known: dict[bytes, Envelope] = keys.data_keys_by_id(ids)
        except WrongWorkerSecret:
            raise  # nothing is wrong with the events
        except JazzAuthError:
            known = {}  # one of them; each is looked at below
        self._keys = {}
        for id_ in ids:
            try:
                self._keys[id_] = known[id_] if id_ in known else keys.data_key_by_id(id_)
            except WrongWorkerSecret:
                raise
            except JazzAuthError as error:
                self._keys[id_] = error
        destroyed = [id_ for id_, key in self._keys.items() if isinstance(key, KeyDestroyed)]
        # One without a tombstone is a problem of its own, once and not for each of its events.
        self._ends = read_tombstones(self._alias, destroyed) if destroyed else {}


def pages(
    alias: str, after: str = "", until: str | None = None, size: int = PAGE
) -> Iterator[list[tuple[Any, ...]]]:
    """The event table in the order of streams and versions.

    Each page is a statement of its own, which begins where the last one ended: no database and no
    driver has to keep more than a page.

    Args:
        alias: database alias.
        after: only streams beyond this one.
        until: no streams beyond this one.
        size: rows of a page.
    """
    bound = "" if until is None else "AND stream <= %s "
    sql = (
        f"SELECT {_COLUMNS} FROM jazzauth_event "  # noqa: S608 - constants only
        f"WHERE stream >= %s AND (stream > %s OR version > %s) {bound}"
        "ORDER BY stream, version LIMIT %s"
    )
    last: tuple[Any, Any] = (after, 2**31 - 1)
    while True:
        limits = [last[0], *last] + ([] if until is None else [until]) + [size]
        with connections[alias].cursor() as cursor:
            cursor.execute(sql, limits)
            rows = cursor.fetchall()
        if rows:
            yield list(rows)
        if len(rows) < size:
            return
        last = rows[-1][0], rows[-1][1]


def stream_rows(alias: str, streams: Sequence[str]) -> list[tuple[Any, ...]]:
    """All rows of some streams, one stream after the other, oldest first."""
    marks = ", ".join(["%s"] * len(streams))
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM jazzauth_event "  # noqa: S608 - constants and marks only
            f"WHERE stream IN ({marks}) ORDER BY stream, version",
            streams,
        )
        return list(cursor.fetchall())


def row_of(values: tuple[Any, ...]) -> Row | None:
    """A row with its columns in Python's types; None if one holds what it cannot hold."""
    stream, version, type_, schema, key_id, recorded_at, digest, payload, hashed, place = values
    numbers = (version, schema, recorded_at, place)
    if not all(isinstance(each, int) for each in numbers):
        return None
    if not isinstance(stream, str) or not isinstance(type_, str):
        return None
    blobs = (digest, payload, hashed)
    if digest is None or any(isinstance(each, str | int | float) for each in blobs):
        return None
    try:
        key = as_id(key_id)
    except (ValueError, AttributeError, TypeError):
        return None
    return Row(
        stream,
        version,
        type_,
        schema,
        key,
        recorded_at,
        bytes(digest),
        None if payload is None else bytes(payload),
        None if hashed is None else bytes(hashed),
        place,
    )
