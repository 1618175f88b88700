"""The Journal: the only writer of events."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from ..conf import get_settings
from ..crypto.digest import digest_at, event_place, payload_hash
from ..crypto.envelope import HeadCipher
from ..errors import KeyUnavailable, ValueNotStorable
from ..keys.keyring import DataKeyHandle, Keyring, keyring
from .acting import current_cause
from .event_sql import EventRow, insert_events, keys_are_live, last_events, written_digests
from .sealing import Head, State, event_aad, seal_head, seal_payload

CREATED = "created"
UPDATED = "updated"
DELETED = "deleted"
RESTORED = "restored"
SHRED_REQUESTED = "shred_requested"
SHREDDED = "shredded"
REVEALED = "revealed"
COMPACTED = "compacted"
ENDED = frozenset((DELETED, SHREDDED, COMPACTED))
"""Types after which the entity has no row."""

NO_DIGEST = bytes(32)
STREAM_LENGTH = 255
_TRIES = 5


@dataclass(slots=True)
class Draft:
    """A change that is about to become an event.

    Attributes:
        entity: stable name of the model.
        stream: the entity's stream.
        subject: whose data key seals it.
        type: ``created``, ``updated``, ``deleted``, ``restored``, ``shred_requested`` or
            ``shredded``.
        schema: number of the schema of ``state``.
        state: the whole state after the change; None when it is deleted.
        previous: the head that the change was made against; None for the first event.
        fresh: the subject has no data key yet (a new person); saves a look-up.
        along: of a deletion: streams of what was deleted along with it, sealed with its cause.
    """

    entity: str
    stream: str
    subject: str
    type: str
    schema: int
    state: State | None = field(repr=False)
    previous: Head | None = None
    fresh: bool = False
    along: Sequence[str] = ()


class Written(msgspec.Struct, frozen=True):
    """An appended event: its head, opened and sealed (empty bytes after a deletion)."""

    head: Head
    blob: bytes


def append(alias: str, drafts: Sequence[Draft]) -> list[Written | None]:
    """Append one event per draft, inside the caller's transaction.

    Args:
        alias: database alias; a transaction must be open on it.
        drafts: at most one per stream. They are written in the order of their stream names, so
            that two writers of the same streams wait for each other instead of deadlocking.

    Returns:
        For each draft its event, or None when another writer took that version first: read the
        head again and decide anew.

    Raises:
        ValueNotStorable: the state is larger than ``JAZZAUTH["MAX_STATE_BYTES"]``.
        KeyUnavailable: the keys keep changing underneath.
    """
    keys = keyring(alias)
    results: list[Written | None] = [None] * len(drafts)
    pending = sorted(range(len(drafts)), key=lambda index: drafts[index].stream)
    for _ in range(_TRIES):
        epoch_id, sealed = _seal(keys, [drafts[index] for index in pending])
        rows = [row for row, _ in sealed]
        count = insert_events(alias, rows, epoch_id)
        if count == len(rows):
            lost: list[int] = []
        else:
            digests = written_digests(alias, rows)
            lost = [n for n, row in enumerate(rows) if row.digest not in digests]
        lost_set = set(lost)
        for n, index in enumerate(pending):
            if n not in lost_set:
                results[index] = sealed[n][1]
        if not lost:
            return results
        if keys_are_live(alias, {rows[n].key_id for n in lost}, epoch_id):
            return results
        keys.forget()
        pending = [pending[n] for n in lost]
    raise KeyUnavailable("the epoch or a data key changed on every try to write under it")


def last_heads(alias: str, streams: Sequence[str]) -> dict[str, Head]:
    """The newest event of each stream as the ``previous`` of a draft (without its state)."""
    return {
        stream: Head(version, 0, digest, recorded_at, {})
        for stream, (version, digest, recorded_at, _) in last_events(alias, streams).items()
    }


def _seal(keys: Keyring, drafts: Sequence[Draft]) -> tuple[bytes, list[tuple[EventRow, Written]]]:
    handles = (
        {drafts[0].subject: keys.data_key(drafts[0].subject, fresh=drafts[0].fresh)}
        if len(drafts) == 1
        else keys.data_keys(
            list(dict.fromkeys(draft.subject for draft in drafts)),
            fresh=all(draft.fresh for draft in drafts),
        )
    )
    # After the data keys: fetching those may have found that the epoch is gone and made another.
    epoch_id = keys.current().id
    limit = get_settings().MAX_STATE_BYTES
    now = time.time_ns() // 1000
    meta = current_cause()
    ciphers: dict[str, HeadCipher] = {}
    sealed = []
    for draft in drafts:
        row = _row(draft, handles[draft.subject], now, meta, limit)
        state = draft.state
        head = Head(row.version, row.schema, row.digest, row.recorded_at, state or {})
        blob = b""
        if state is not None:
            cipher = ciphers.get(draft.entity)
            if cipher is None:
                cipher = ciphers[draft.entity] = keys.head_cipher(epoch_id, draft.entity)
            blob = seal_head(cipher, epoch_id, draft.stream, head)
        sealed.append((row, Written(head, blob)))
    return epoch_id, sealed


def _row(draft: Draft, handle: DataKeyHandle, now: int, meta: State, limit: int) -> EventRow:
    """The row of an event: payload sealed, digest chained."""
    stream = draft.stream
    if len(stream) > STREAM_LENGTH or "\0" in stream:
        raise ValueNotStorable(
            f"The name of a stream of {draft.entity} has more than {STREAM_LENGTH} characters "
            "or a NUL among them: its primary key cannot be stored."
        )
    version, recorded_at, before = 1, now, NO_DIGEST
    previous = draft.previous
    if previous is not None:
        version, before = previous.version + 1, previous.digest
        # A clock that jumps back must not make a stream's time run backwards.
        recorded_at = max(now, previous.recorded_at)
    key_id = handle.id
    place = event_place(stream, version, draft.type, draft.schema, key_id, recorded_at)
    if draft.along:
        meta = {**meta, "along": list(draft.along)}
    payload = seal_payload(handle.envelope, event_aad(place), draft.state, meta)
    if len(payload) > limit:
        raise ValueNotStorable(
            f"The state of {stream} is {len(payload)} bytes; "
            f'JAZZAUTH["MAX_STATE_BYTES"] allows {limit}.'
        )
    digest = digest_at(before, place, payload_hash(payload))
    return EventRow(
        stream,
        version,
        draft.type,
        draft.schema,
        key_id,
        recorded_at,
        digest,
        payload,
        before,
    )
