"""Digests that chain the events of a stream (SHA-256, FIPS 180-4)."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from struct import Struct, error

from .framing import FramingError, frame, frame_text

DIGEST_BYTES = 32
KEY_ID_BYTES = 16

_LENGTHS = (DIGEST_BYTES, DIGEST_BYTES, KEY_ID_BYTES)
_EVENT = frame("jazzauth/event/1")
_DIGEST = DIGEST_BYTES.to_bytes(4, "big")

_NUMBER = Struct(">IQ").pack
_TAIL = Struct(">IQI16sIQ").pack  # schema, key_id and recorded_at, each after its length


def payload_hash(payload: bytes) -> bytes:
    """SHA-256 of an event's sealed payload: what the chain keeps when the payload is dropped."""
    return sha256(payload).digest()


def event_place(
    stream: str, version: int, type_: str, schema: int, key_id: bytes, recorded_at: int
) -> bytes:
    """Where an event stands: the frame of its plain columns, part of its digest and its AAD.

    Args:
        stream: name of the stream.
        version: the event's number in its stream, from 1.
        type_: the event's type.
        schema: number of the schema of its state.
        key_id: 16-byte id of the data key that seals it.
        recorded_at: microseconds since 1970-01-01 UTC.

    Raises:
        ValueError: a part has another length, or is out of the range of a frame.
    """
    # As frame(stream, version, …), in a third of the time: every event is sealed and read by it.
    if len(key_id) != KEY_ID_BYTES:
        raise ValueError(f"key ids have {KEY_ID_BYTES} bytes")
    try:
        tail = _TAIL(8, schema, KEY_ID_BYTES, key_id, 8, recorded_at)
        return b"".join((frame_text(stream), _NUMBER(8, version), _framed_type(type_), tail))
    except error:
        raise FramingError("a number must be from 0 to 2**64 - 1") from None


@lru_cache(maxsize=64)
def _framed_type(type_: str) -> bytes:
    return frame_text(type_)


def digest_at(previous: bytes, place: bytes, payload_hash: bytes) -> bytes:
    """As :func:`event_digest`, of an event whose place is framed already."""
    if len(previous) != DIGEST_BYTES or len(payload_hash) != DIGEST_BYTES:
        raise ValueError("digests have 32 bytes")
    return sha256(b"".join((_EVENT, _DIGEST, previous, place, _DIGEST, payload_hash))).digest()


def event_digest(
    *,
    previous: bytes,
    stream: str,
    version: int,
    type: str,  # named like the column, in a keyword-only list
    schema: int,
    key_id: bytes,
    recorded_at: int,
    payload_hash: bytes,
) -> bytes:
    """Digest of an event, which covers everything in its row and all events before it.

    It is the SHA-256 of ``frame("jazzauth/event/1", previous, …, payload_hash)``.

    Args:
        previous: 32-byte digest of the event before it in the stream; zero bytes for the first.
        stream: name of the stream.
        version: the event's number in its stream, from 1.
        type: the event's type.
        schema: number of the schema of its state.
        key_id: 16-byte id of the data key that seals it.
        recorded_at: microseconds since 1970-01-01 UTC.
        payload_hash: 32 bytes, see :func:`payload_hash`.

    Raises:
        ValueError: a part has another length, or is out of the range of a frame.
    """
    if (len(previous), len(payload_hash), len(key_id)) != _LENGTHS:
        raise ValueError("digests have 32 bytes and key ids 16")
    place = event_place(stream, version, type, schema, key_id, recorded_at)
    return digest_at(previous, place, payload_hash)


def leaf_data(position: int, txid: int, digest: bytes) -> bytes:
    """What stands for an event in the Merkle tree of the log, before the leaf is hashed.

    Args:
        position: the event's place in the log.
        txid: PostgreSQL's id of the transaction that wrote it; 0 on other databases.
        digest: see :func:`event_digest`.

    Raises:
        ValueError: a part has another length, or is out of the range of a frame.
    """
    if len(digest) != DIGEST_BYTES:
        raise ValueError("digests have 32 bytes")
    return frame("jazzauth/leaf/1", position, txid, digest)
