"""Reading events back: opened, in order, with who did what."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef

from ..drivers import as_octets
from ..errors import PayloadCompacted, SealBroken
from ..keys.keyring import keyring
from .chained import place_of
from .models import Event as EventRecord
from .sealing import Head, State, event_aad, open_payload

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one entity.

    Attributes:
        position: place in the whole log.
        stream: ``entity/key``.
        version: number in the stream, from 1.
        type: ``created``, ``updated``, ``deleted``, ``restored`` or ``compacted``.
        recorded_at: when, UTC.
        actor: who did it, if known.
        state: field name to value after the event; None after a deletion, or when the payload was
            compacted away or its key destroyed.
        cause: everything recorded about who, how and from where.
        readable: whether the payload could be opened.
        compacted: the payload was dropped after its time.
    """

    position: int
    stream: str
    version: int
    type: str
    recorded_at: datetime.datetime
    actor: str | None
    state: dict[str, Any] | None = field(repr=False)
    cause: dict[str, Any] = field(default_factory=dict, repr=False)
    readable: bool = True
    compacted: bool = False


def moment(microseconds: int) -> datetime.datetime:
    """Microseconds since 1970 as an aware UTC time."""
    return EPOCH + datetime.timedelta(microseconds=microseconds)


def open_record(alias: str, record: EventRecord) -> tuple[State | None, State]:
    """State and cause of an event row.

    Raises:
        SealBroken: the row was changed.
        KeyDestroyed: the subject's data key was destroyed.
        PayloadCompacted: the payload was dropped after its time.
    """
    envelope = keyring(alias).data_key_by_id(record.key_id.bytes)
    try:
        place = place_of(record)
    except (ValueError, TypeError):
        raise SealBroken(record.stream, "a column of the event is out of its range") from None
    if record.payload is None:
        raise PayloadCompacted(
            f"{record.stream}@{record.version} was compacted away: the time for which its past is "
            "kept is over."
        )
    return open_payload(envelope, event_aad(place), as_octets(record.payload), record.stream)


def head_of(record: EventRecord, state: State | None) -> Head:
    """What the head of an entity holds after the event of a row, whose state was opened."""
    digest = as_octets(record.digest)
    return Head(record.version, record.schema, digest, record.recorded_at, state or {})


def records(alias: str, stream: str, *, newest: int | None = None) -> list[EventRecord]:
    """The rows of one stream, oldest first.

    Args:
        alias: database alias.
        stream: name of the stream.
        newest: only so many, the newest first.

    Raises:
        SealBroken: a column holds what it cannot hold (SQLite lets SQL put it there).
    """
    found = EventRecord.objects.using(alias).filter(stream=stream)
    try:
        if newest is not None:
            return list(found.order_by("-version")[:newest])
        return list(found.order_by("version"))
    except (AttributeError, TypeError, ValueError):
        raise SealBroken(stream, "a column of an event is of another type") from None


def newest_records(alias: str, entity: str) -> Iterator[EventRecord]:
    """The newest row of every stream of an entity, in the order of the log."""
    prefix = f"{entity}/"
    events = EventRecord.objects.using(alias)
    newer = events.filter(stream=OuterRef("stream"), version__gt=OuterRef("version"))
    found = events.filter(~Exists(newer), stream__startswith=prefix).order_by("position")
    for record in found.iterator(chunk_size=1000):
        if record.stream.startswith(prefix):  # SQLite's LIKE does not mind case
            yield record
