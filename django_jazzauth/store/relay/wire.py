"""The messages: subjects, bodies and ids. ``docs/format.md`` is its specification."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from ...errors import CopyRefused, StoreError
from ...keys.carrying import DataKeyCarried, KeyringCarried

FORMAT = b"\x01"


class EventCarried(msgspec.Struct, frozen=True, array_like=True, tag_field="kind", tag="event"):
    """An event as it stands in the log: header, digest, and sealed payload or its hash."""

    position: int
    txid: int
    stream: str
    version: int
    type: str
    schema: int
    key_id: bytes
    recorded_at: int
    digest: bytes
    payload: bytes | None
    payload_hash: bytes | None

    def __repr__(self) -> str:
        return f"<EventCarried {self.stream}@{self.version}>"


Carried = EventCarried | KeyringCarried | DataKeyCarried

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Carried] = msgspec.msgpack.Decoder(
    EventCarried | KeyringCarried | DataKeyCarried
)


class Message(msgspec.Struct, frozen=True):
    """What is published: where to, the bytes, and the id by which JetStream knows repetitions."""

    subject: str
    body: bytes
    id: str


def body_of(carried: Carried) -> bytes:
    """The bytes of a message."""
    return FORMAT + _encoder.encode(carried)


def read_body(body: bytes) -> Carried:
    """What a message says.

    Raises:
        CopyRefused: its format is not known, or it is damaged.
    """
    if body[:1] != FORMAT:
        raise CopyRefused("A message has a format that this release does not know.")
    try:
        return _decoder.decode(body[1:])
    except msgspec.DecodeError:
        raise CopyRefused("A message is damaged.") from None


def token(text: str) -> str:
    """A text as one part of a subject: percent-encoded UTF-8, dots included."""
    # NATS splits at dots, and takes no empty part. No stream's name has a NUL in it.
    return quote(text, safe="").replace(".", "%2E") or "%00"


def stream_subject(prefix: str, stream: str) -> str:
    """Subject of the events of one stream."""
    entity, _, key = stream.partition("/")
    return f"{prefix}.event.{token(entity)}.{token(key)}"


def event_subjects(prefix: str) -> str:
    """All subjects of events."""
    return f"{prefix}.event.>"


def key_subjects(prefix: str) -> str:
    """All subjects of keys."""
    return f"{prefix}.key.>"


def keyring_subject(prefix: str) -> str:
    """Subject of the keyring."""
    return f"{prefix}.key.keyring"


def data_key_subject(prefix: str, id_: bytes) -> str:
    """Subject of one data key."""
    return f"{prefix}.key.data.{id_.hex()}"


def event_of(row: tuple[Any, ...]) -> EventCarried:
    """An event from the columns of its row, in the order of the fields.

    Raises:
        StoreError: a column holds what it cannot hold (SQLite lets SQL put it there).
    """
    try:
        return msgspec.convert(("event", *row), EventCarried)
    except msgspec.ValidationError:
        raise StoreError(
            f"The event at position {row[0]} was changed so that it cannot be published. "
            "`manage.py jazzauth verify` says more."
        ) from None


def event_message(prefix: str, event: EventCarried, again: str = "") -> Message:
    """The message of an event.

    Args:
        prefix: of the subjects.
        event: the event.
        again: makes the id another one, for an event that is published once more on purpose.
    """
    id_ = event.digest.hex()
    return Message(
        stream_subject(prefix, event.stream), body_of(event), f"{id_}-{again}" if again else id_
    )
