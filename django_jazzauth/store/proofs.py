"""Proofs for others: that an event is in the log that a checkpoint was signed for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ..crypto.digest import payload_hash
from ..crypto.merkle import inclusion_ranges, range_roots
from ..crypto.tlog_proof import EventHeader, InclusionProof
from ..drivers import as_octets
from ..errors import NeverExisted, StoreError
from .checkpoints import leaves_of, newest, read_note
from .journal import NO_DIGEST
from .leaves import open_batch
from .models import Checkpoint
from .models import Event as EventRecord


def prove(stream: str, version: int, *, note: str | None = None, using: str = "default") -> str:
    """A proof that an event is in the log, for somebody who has the checkpoint and no key.

    Reads the digests of all events that the checkpoint covers, once.

    Args:
        stream: the entity's stream.
        version: number of the event in it.
        note: the checkpoint to prove it by; the newest stored one by default.
        using: database alias.

    Returns:
        The text of the proof (C2SP tlog-proof), the checkpoint included.

    Raises:
        NeverExisted: there is no such event.
        StoreError: the checkpoint does not cover it, or there is none yet.
        ProofError: the log does not fit the checkpoint any more.
        NoteError: the note is no checkpoint of this database.
    """
    record = EventRecord.objects.using(using).filter(stream=stream, version=version).first()
    if record is None:
        raise NeverExisted(f"{stream}@{version} is not in the log.")
    if note is None:
        last = newest(using)
        if last is None:
            raise StoreError(
                "There is no checkpoint yet. Make one: `manage.py jazzauth checkpoint`."
            )
        note = last.note
    body = read_note(using, note)
    rows = list(Checkpoint.objects.using(using).filter(first__lt=body.size).order_by("first"))
    index = _index_of(using, rows, record.position)
    if index is None or index >= body.size:
        raise StoreError(
            f"{stream}@{version} was written after the checkpoint of {body.size} events. Make a "
            "new one: `manage.py jazzauth checkpoint`."
        )
    ranges = inclusion_ranges(index, body.size)
    hashes = range_roots(islice(_hashes(using, rows), body.size), ranges)
    proof = InclusionProof(_header(using, record), index, tuple(hashes), note)
    proof.check(body)  # what would convince nobody is not handed out
    return proof.to_text()


def _index_of(using: str, rows: list[Checkpoint], position: int) -> int | None:
    for row in rows:
        index = row.first
        for first, last in open_batch(using, row).runs:
            if first <= position <= last:
                return int(index + position - first)
            index += last - first + 1
    return None


def _hashes(using: str, rows: list[Checkpoint]) -> Iterator[bytes]:
    for leaf in leaves_of(using, rows):
        if leaf.hash is None:
            raise StoreError(
                f"The event at position {leaf.position} is missing or was changed. "
                "`manage.py jazzauth verify` says more."
            )
        yield leaf.hash


def _header(using: str, record: EventRecord) -> EventHeader:
    before = (
        EventRecord.objects.using(using)
        .filter(stream=record.stream, version=record.version - 1)
        .values_list("digest", flat=True)
        .first()
    )
    hashed = (
        record.payload_hash if record.payload is None else payload_hash(as_octets(record.payload))
    )
    return EventHeader(
        position=record.position,
        txid=record.txid,
        previous=(NO_DIGEST if before is None else bytes(before)).hex(),
        stream=record.stream,
        version=record.version,
        type=record.type,
        schema=record.schema,
        key_id=record.key_id.hex,
        recorded_at=record.recorded_at,
        payload_hash=bytes(hashed or b"").hex(),
    )
