"""The Journal: the only writer of events."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

import msgspec
from django.db import connections

from ..conf import get_settings
from ..crypto.digest import digest_at, event_place, payload_hash
from ..crypto.envelope import HeadCipher
from ..errors import KeyUnavailable, ValueNotStorable
from ..keys.keyring import CurrentEpoch, DataKeyHandle, Keyring, keyring
from . import trigram_index
from .acting import current_cause
from .event_sql import (
    EventRow,
    RowWrite,
    insert_events,
    insert_with_row,
    keys_are_live,
    last_events,
    written_digests,
)
from .sealing import Head, State, encode, event_aad, seal_head, seal_payload
from .trigram_tokens import indexed_fields

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
    connection = connections[alias]
    results: list[Written | None] = [None] * len(drafts)
    pending = list(range(len(drafts)))
    if len(pending) > 1:
        pending.sort(key=lambda index: drafts[index].stream)
    for _ in range(_TRIES):
        current, sealed = _seal(keys, [drafts[index] for index in pending])
        rows = [row for row, _ in sealed]
        count = insert_events(connection, rows, current)
        if count == len(rows):
            lost: list[int] = []
        else:
            digests = written_digests(alias, rows)
            lost = [n for n, row in enumerate(rows) if row.digest not in digests]
        lost_set = set(lost)
        for n, index in enumerate(pending):
            if n not in lost_set:
                results[index] = sealed[n][1]
        if not lost or keys_are_live(alias, {rows[n].key_id for n in lost}, current):
            break
        keys.forget()
        pending = [pending[n] for n in lost]
    else:
        raise KeyUnavailable("the epoch or a data key changed on every try to write under it")
    _follow(alias, drafts, results)
    return results


def _follow(alias: str, drafts: Sequence[Draft], results: Sequence[Written | None]) -> None:
    """Tell the trigram index what was written, in the order of streams, as the events were."""
    if not get_settings().TRIGRAM_INDEX:
        return
    trigram_index.follow(
        alias,
        sorted(
            (
                (draft.entity, draft.schema, draft.stream, _before(draft), draft.state)
                for draft, event in zip(drafts, results, strict=True)
                if event is not None
            ),
            key=itemgetter(2),
        ),
    )


def _before(draft: Draft) -> State | None:
    return None if draft.previous is None else draft.previous.state


def append_with_row(
    alias: str, draft: Draft, write: Callable[[Written], RowWrite]
) -> tuple[Written, bool] | None:
    """Append one event and write its entity's row in the same statement (PostgreSQL).

    Args:
        alias: database alias; no transaction has to be open.
        draft: the event.
        write: makes the statement of the row, see ``insert_with_row``.

    Returns:
        The event, and whether the row was written too; None if there is no event, and ``append``
        has to be called, which finds out why.

    Raises:
        ValueNotStorable: as ``append``.
    """
    if indexed_fields(draft.entity):
        return None  # that index takes statements of its own, in one transaction with the event
    keys = keyring(alias)
    if draft.fresh:
        handle, pending = keys.data_key_to_store(draft.subject)
    else:
        handle, pending = keys.data_key(draft.subject), None
    current, [(row, written)] = _seal_under(keys, [draft], {draft.subject: handle})
    if current.reindexing:
        return None  # where a value belongs has to be held until the commit, with statements before
    key = None if pending is None else pending.row
    if insert_with_row(alias, row, current, write(written), key):
        if pending is not None:
            pending.stored()
        return written, True
    if not connections[alias].in_atomic_block or row.digest not in written_digests(alias, [row]):
        return None
    return written, False


def last_heads(alias: str, streams: Sequence[str]) -> dict[str, Head]:
    """The newest event of each stream as the ``previous`` of a draft (without its state)."""
    return {
        stream: Head(version, 0, digest, recorded_at, {})
        for stream, (version, digest, recorded_at, _) in last_events(alias, streams).items()
    }


def _seal(
    keys: Keyring, drafts: Sequence[Draft]
) -> tuple[CurrentEpoch, list[tuple[EventRow, Written]]]:
    handles = (
        {drafts[0].subject: keys.data_key(drafts[0].subject, fresh=drafts[0].fresh)}
        if len(drafts) == 1
        else keys.data_keys(
            list(dict.fromkeys(draft.subject for draft in drafts)),
            fresh=all(draft.fresh for draft in drafts),
        )
    )
    return _seal_under(keys, drafts, handles)


def _seal_under(
    keys: Keyring, drafts: Sequence[Draft], handles: Mapping[str, DataKeyHandle]
) -> tuple[CurrentEpoch, list[tuple[EventRow, Written]]]:
    # After the data keys: fetching those may have found that the epoch is gone and made another.
    current = keys.current()
    epoch_id = current.id
    limit = get_settings().MAX_STATE_BYTES
    now = time.time_ns() // 1000
    meta = current_cause()
    cause = encode(meta)
    ciphers: dict[str, HeadCipher] = {}
    sealed = []
    for draft in drafts:
        state = encode(draft.state)  # once for payload and head
        its_cause = encode({**meta, "along": list(draft.along)}) if draft.along else cause
        row = _row(draft, handles[draft.subject], now, state, its_cause, limit)
        head = Head(row.version, row.schema, row.digest, row.recorded_at, draft.state or {})
        blob = b""
        if draft.state is not None:
            cipher = ciphers.get(draft.entity)
            if cipher is None:
                cipher = ciphers[draft.entity] = keys.head_cipher(epoch_id, draft.entity)
            blob = seal_head(cipher, epoch_id, draft.stream, head, state)
        sealed.append((row, Written(head, blob)))
    return current, sealed


def _row(
    draft: Draft, handle: DataKeyHandle, now: int, state: bytes, cause: bytes, limit: int
) -> EventRow:
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
    payload = seal_payload(handle.envelope, event_aad(place), state, cause)
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
