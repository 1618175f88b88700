"""Bytes of an event's payload and of a head: what is sealed, and what it is bound to.

The one place that knows the AADs. ``docs/format.md`` is its specification.
"""

from __future__ import annotations

from struct import Struct
from typing import Any

import msgspec

from ..crypto.envelope import Envelope, HeadCipher
from ..crypto.framing import frame, frame_text
from ..errors import SealBroken

State = dict[str, Any]

HEAD_FORMAT = 1
_HEADER = Struct(">B16sIH")  # format, epoch, version, schema
_HEADER_BYTES = _HEADER.size
_TIME = Struct(">Q")

_PAYLOAD = frame("jazzauth/payload/1")
_HEAD = frame("jazzauth/head/1")
_HEADER_LENGTH = _HEADER_BYTES.to_bytes(4, "big")
_PAIR = b"\x92"  # MessagePack's mark of an array of two

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder()


class Head(msgspec.Struct, frozen=True):
    """An opened head: an entity's newest state and where it stands in its stream.

    Attributes:
        version: the event's number in its stream, from 1.
        schema: number of the schema that ``state`` was written under.
        digest: 32 bytes, the digest of the event that this head is the copy of.
        recorded_at: microseconds since 1970-01-01 UTC, never lower than the version before.
        state: field name to primitive value.
    """

    version: int
    schema: int
    digest: bytes
    recorded_at: int
    state: State

    def __repr__(self) -> str:
        # Without the state: what is sealed has no place in a traceback.
        return f"<Head version {self.version}>"

    def __rich_repr__(self) -> Any:
        yield "version", self.version


def stream_name(entity: str, key: object) -> str:
    """Name of an entity's stream: ``entity/primary key``."""
    return f"{entity}/{key}"


def head_epoch(blob: bytes) -> bytes:
    """The 16-byte id of the epoch that a head is sealed under.

    Raises:
        ValueError: the bytes are not a head of a format known to this release.
    """
    if len(blob) <= _HEADER.size or blob[0] != HEAD_FORMAT:
        raise ValueError("not a head")
    return blob[1:17]


def encode(value: State | None) -> bytes:
    """MessagePack of a state, or of a cause."""
    return _encoder.encode(value)


def seal_head(
    cipher: HeadCipher, epoch_id: bytes, stream: str, head: Head, state: bytes | None = None
) -> bytes:
    """Seal a head. Deterministic: the same event under the same epoch gives the same bytes.

    Args:
        cipher: of the epoch and entity.
        epoch_id: 16-byte id.
        stream: the entity's stream.
        head: what is sealed.
        state: its state, if that is encoded already.
    """
    header = _HEADER.pack(HEAD_FORMAT, epoch_id, head.version, head.schema)
    digest = head.digest
    state = _encoder.encode(head.state) if state is None else state
    plaintext = b"".join((digest, _TIME.pack(head.recorded_at), state))
    return header + cipher.seal(plaintext, _head_aad(stream, header), digest[:12])


def _head_aad(stream: str, header: bytes) -> bytes:
    return b"".join((_HEAD, frame_text(stream), _HEADER_LENGTH, header))


def open_head(cipher: HeadCipher, stream: str, blob: bytes) -> Head:
    """Open a head that belongs to ``stream``.

    Raises:
        SealBroken: the bytes were changed, or belong to another stream, version or database.
    """
    header = blob[:_HEADER_BYTES]
    try:
        plaintext = cipher.open(blob[_HEADER_BYTES:], _head_aad(stream, header))
        state = _decoder.decode(plaintext[40:])
    except (ValueError, msgspec.DecodeError) as error:
        raise SealBroken(stream, "the head does not open") from error
    _, _, version, schema = _HEADER.unpack(header)
    (recorded_at,) = _TIME.unpack_from(plaintext, 32)
    return Head(version, schema, plaintext[:32], recorded_at, state)


def event_aad(place: bytes) -> bytes:
    """What an event's payload is bound to: every plain column of its row (``event_place``)."""
    return _PAYLOAD + place


def seal_payload(envelope: Envelope, aad: bytes, state: bytes, cause: bytes) -> bytes:
    """Seal what happened.

    Args:
        envelope: of the subject's data key.
        aad: see ``event_aad``.
        state: the state after the event, encoded; that of None after a deletion.
        cause: who did it and how, encoded.
    """
    return envelope.seal(b"".join((_PAIR, state, cause)), aad)


def open_payload(
    envelope: Envelope, aad: bytes, blob: bytes, stream: str
) -> tuple[State | None, State]:
    """Open an event's payload.

    Raises:
        SealBroken: the payload or one of the plain columns beside it was changed.
    """
    try:
        state, meta = _decoder.decode(envelope.open(blob, aad))
    except (ValueError, msgspec.DecodeError) as error:
        raise SealBroken(stream, "the event's payload does not open") from error
    return state, meta
