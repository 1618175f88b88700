"""Place and digest of an event whose columns are at hand, from the table or from a message."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from ..crypto.digest import event_digest, event_place


class PlainColumns(Protocol):
    """What of an event is bound to its payload and digest, and may be seen without a key."""

    @property
    def stream(self) -> str:
        """The entity's stream."""

    @property
    def version(self) -> int:
        """Number within the stream."""

    @property
    def type(self) -> str:
        """``created`` and so on."""

    @property
    def schema(self) -> int:
        """Number of the schema of its state."""

    @property
    def key_id(self) -> bytes | UUID:
        """The data key's id, 16 bytes."""

    @property
    def recorded_at(self) -> int:
        """Microseconds since 1970-01-01 UTC."""


def place_of(event: PlainColumns) -> bytes:
    """What an event's payload is sealed for.

    Raises:
        ValueError: a column is out of its range.
    """
    return event_place(
        event.stream, event.version, event.type, event.schema, _key_id(event), event.recorded_at
    )


def digest_of(event: PlainColumns, previous: bytes, hashed: bytes | None) -> bytes | None:
    """The digest that an event must have; None if a column is out of its range.

    Args:
        event: its columns.
        previous: the digest before it in its stream.
        hashed: hash of its payload; None where none is known.
    """
    try:
        return event_digest(
            previous=previous,
            stream=event.stream,
            version=event.version,
            type=event.type,
            schema=event.schema,
            key_id=_key_id(event),
            recorded_at=event.recorded_at,
            payload_hash=hashed or b"",
        )
    except ValueError:
        return None


def _key_id(event: PlainColumns) -> bytes:
    # A row that was read as a model has a UUID there.
    return event.key_id.bytes if isinstance(event.key_id, UUID) else event.key_id
