"""Destroying a data key: the one write that nothing undoes, and the proof of who did it.

Anybody who can write to the tables can empty a row. So the application leaves a tombstone in the
row of a key that it destroyed: how far the log had come then, sealed under a data key that is kept
for nothing else. That key is wrapped, moved to new epochs and carried to copies like every other,
so that a tombstone needs no moving, and outlives the retirement of any epoch.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from struct import Struct

from django.utils import timezone

from ..crypto.envelope import Envelope, EnvelopeError
from ..crypto.framing import frame
from ..drivers import as_octets
from ..errors import JazzAuthError, KeyUnavailable, WrongWorkerSecret
from .keyring import keyring
from .models import DataKey
from .sql import find_by_id

SUBJECT = "destroyed"
_POSITION = Struct(">Q")
_CHUNK = 400


def prepare_tombstones(alias: str) -> None:
    """Make the key of the tombstones if there is none.

    Called before the transaction that destroys, so that nobody waits for that one to get the key.
    """
    keyring(alias).data_key(SUBJECT)


def destroy_data_key(alias: str, subject: str, position: Callable[[], int]) -> bytes:
    """Destroy a subject's data key, inside the caller's transaction.

    Its row stays, without the subject's name, so that what it sealed is known to be shredded.

    Args:
        alias: database alias.
        subject: whose key.
        position: gives the highest position in the log; called once no more can be sealed under
            the key.

    Returns:
        The key's 16-byte id.

    Raises:
        KeyUnavailable: the subject has none.
    """
    rows = DataKey.objects.using(alias).filter(subject=subject, destroyed_at=None)
    row = rows.first()
    # The condition is checked again by the database: another run may have been faster.
    changed = rows.update(wrapped=None, subject=None, destroyed_at=timezone.now())
    if row is None or not changed:
        raise KeyUnavailable(f"{subject} has no data key")
    id_: bytes = row.pk.bytes
    blob = _envelope(alias).seal(_POSITION.pack(position()), _aad(id_))
    DataKey.objects.using(alias).filter(pk=row.pk).update(tombstone=blob)
    return id_


def read_tombstones(alias: str, ids: Iterable[bytes]) -> dict[bytes, int]:
    """Which of these data keys the application destroyed, and where the log ended then.

    Args:
        alias: database alias.
        ids: 16-byte ids of destroyed data keys.

    Returns:
        By id the highest position in the log at that time. Keys without a tombstone that opens are
        left out: something else has emptied their rows.

    Raises:
        WrongWorkerSecret: this worker can open nothing here.
    """
    wanted = [uuid.UUID(bytes=id_) for id_ in ids]
    blobs: dict[bytes, bytes] = {}
    for start in range(0, len(wanted), _CHUNK):
        rows = DataKey.objects.using(alias).filter(
            pk__in=wanted[start : start + _CHUNK], tombstone__isnull=False
        )
        blobs |= {pk.bytes: as_octets(blob) for pk, blob in rows.values_list("pk", "tombstone")}
    if not blobs:
        return {}
    key_id = key_of_tombstones(alias)
    if key_id is None:
        return {}
    try:
        envelope = keyring(alias).data_key_by_id(key_id)
    except WrongWorkerSecret:
        raise
    except JazzAuthError:
        return {}
    found = {id_: open_tombstone(envelope, id_, blob) for id_, blob in blobs.items()}
    return {id_: position for id_, position in found.items() if position is not None}


def key_of_tombstones(alias: str) -> bytes | None:
    """The 16-byte id of the data key that seals them; None if nothing was destroyed yet."""
    row = DataKey.objects.using(alias).filter(subject=SUBJECT).first()
    return None if row is None else bytes(row.pk.bytes)


def open_tombstone(envelope: Envelope, id: bytes, blob: bytes) -> int | None:
    """The position in a key's tombstone; None if it is not one of the application's."""
    try:
        (position,) = _POSITION.unpack(envelope.open(blob, _aad(id)))
    except (EnvelopeError, ValueError):
        return None
    return int(position)


def _envelope(alias: str) -> Envelope:
    """The envelope of the tombstones, whose key stands in the database for certain."""
    ring = keyring(alias)
    handle = ring.data_key(SUBJECT)
    # It may be remembered from a transaction that was rolled back. Who seals an event hears of it
    # from the INSERT; here nothing would say it.
    if not any(row.wrapped is not None for row in find_by_id(alias, [handle.id])):
        ring.forget()
        handle = ring.data_key(SUBJECT)
    return handle.envelope


def _aad(id: bytes) -> bytes:
    return frame("jazzauth/destroyed/1", id)
