"""Reading the tables of the keys: what this worker can open, checked against itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

from ..crypto.envelope import EnvelopeError
from ..drivers import as_octets
from ..errors import SealBroken, WrongWorkerSecret
from .holding import hold_epochs
from .models import Epoch, Grant, IndexRoot, Worker
from .provider import KeyProvider
from .wrapping import EpochKey, open_grant

_TRIES = 10


@dataclass(frozen=True, slots=True)
class OpenedRoot:
    """An index root, opened. ``live`` ones are searched with."""

    generation: int
    live: bool
    root: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenedKeys:
    """What a worker can open: the epochs by id, the one in use, the index roots newest first."""

    epochs: dict[bytes, EpochKey]
    current: EpochKey
    roots: tuple[OpenedRoot, ...]


def load_keys(alias: str, worker: KeyProvider, *, being_made: bool = False) -> OpenedKeys | None:
    """Open everything that ``worker`` was granted in a database (three queries).

    Args:
        alias: database alias.
        worker: whose secret this process has.
        being_made: several processes may be making the first epoch just now.

    Returns:
        None if the database has no epoch at all.

    Raises:
        WrongWorkerSecret: the epoch in use was not granted to this worker.
        SealBroken: the tables contradict themselves: a grant or a wrapped key does not open, or two
            ways to an epoch's key lead to different keys.
    """
    for _ in range(_TRIES):
        keys, torn = _load(alias, worker, being_made)
        if not torn:
            return keys
    raise SealBroken("index roots", "one is wrapped under an epoch that is not there")


def _load(alias: str, worker: KeyProvider, being_made: bool) -> tuple[OpenedKeys | None, bool]:
    """As :func:`load_keys`, and whether another process rotated and re-wrapped between the queries:
    then the index roots stand under an epoch that the first of them could not see.
    """
    found = Epoch.objects.using(alias).order_by("-number")
    lock = not being_made and _reads_the_past(connections[alias]) and found.exists()
    if lock:
        hold_epochs(alias)  # before the rows are locked one by one, so that nobody deadlocks
    rows = list(_newest(found, lock))
    if not rows:
        return None, False
    in_use = [row for row in rows if row.superseded_at is None]
    if in_use != rows[:1]:
        raise SealBroken("epochs", "not the newest epoch, and it alone, is in use")
    epochs = _open_epochs(alias, worker, rows, lock)
    current = epochs.get(rows[0].id.bytes)
    if current is None:
        raise WrongWorkerSecret(worker.worker_id, _what_is_wrong(alias, worker.worker_id, rows[0]))
    wrapped = list(_newest(IndexRoot.objects.using(alias).order_by("-generation"), lock))
    torn = not {root.epoch_id for root in wrapped} <= {row.id for row in rows}
    return OpenedKeys(epochs, current, _open_roots(epochs, wrapped)), torn


def _reads_the_past(connection: BaseDatabaseWrapper) -> bool:
    # A MariaDB transaction reads as of its first statement: it would take an epoch for the present
    # one under which no INSERT passes any more.
    return connection.vendor == "mysql" and connection.in_atomic_block


def _newest(rows: QuerySet[Any], lock: bool) -> QuerySet[Any]:
    """With a lock: also what others committed since the transaction began."""
    return rows.select_for_update() if lock else rows


def _open_epochs(
    alias: str, worker: KeyProvider, rows: list[Epoch], lock: bool
) -> dict[bytes, EpochKey]:
    grants = {
        epoch_id.bytes: (suite, as_octets(sealed))
        for epoch_id, suite, sealed in _newest(
            Grant.objects.using(alias).filter(worker_id=worker.worker_id), lock
        ).values_list("epoch_id", "suite", "sealed")
    }
    epochs: dict[bytes, EpochKey] = {}
    newer: tuple[EpochKey, Epoch] | None = None
    for row in rows:
        epoch_id, number = row.id.bytes, row.number
        ways: list[EpochKey] = []
        try:
            if epoch_id in grants:
                key = open_grant(worker, epoch_id, *grants[epoch_id])
                ways.append(EpochKey(epoch_id, number, key))
            if newer is not None and newer[1].previous_wrapped is not None:
                key = newer[0].unwrap_previous(epoch_id, as_octets(newer[1].previous_wrapped))
                ways.append(EpochKey(epoch_id, number, key))
        except EnvelopeError as error:
            raise SealBroken(f"epoch {number}", f"its key: {error}") from None
        finally:
            key = b""  # error reports show variables
        if len(ways) == 2 and not ways[0].same_key(ways[1]):
            # Anybody can seal to a public key. Only who had the key before can wrap it under the
            # next one, so a foreign epoch slipped in shows here.
            raise SealBroken(f"epoch {number}", "its grant and the epoch after it disagree")
        newer = None
        if ways:
            epochs[epoch_id] = ways[0]
            newer = ways[0], row
    return epochs


def _open_roots(epochs: dict[bytes, EpochKey], wrapped: list[IndexRoot]) -> tuple[OpenedRoot, ...]:
    opened = []
    for row in wrapped:
        epoch = epochs.get(row.epoch_id.bytes)
        if epoch is None:
            continue
        try:
            root = epoch.unwrap_index_root(row.generation, as_octets(row.wrapped))
        except EnvelopeError as error:
            raise SealBroken(f"index root {row.generation}", str(error)) from None
        opened.append(OpenedRoot(row.generation, row.retired_at is None, root))
    return tuple(opened)


def _what_is_wrong(alias: str, worker_id: str, epoch: Epoch) -> str:
    workers = {row.id: row for row in Worker.objects.using(alias).order_by("created_at")}
    own = workers.get(worker_id)
    others = [
        str(row) for row in workers.values() if row.removed_at is None and row.id != worker_id
    ]
    set_another = (
        f"Set the secret of one of this database's workers, {', '.join(others) or 'none is left'}"
    )
    if own is not None and own.removed_at is not None:
        return f"it was removed from this database on {own.removed_at:%Y-%m-%d}. {set_another}."
    if own is not None:
        return (
            f"it was not granted epoch {epoch.number}, which is in use. {set_another}, or run "
            f"`manage.py jazzauth worker grant {worker_id}` where one of those is set."
        )
    return (
        f"this database does not know it. {set_another}, or run `manage.py jazzauth worker card` "
        "here, and `manage.py jazzauth worker add NAME --card FILE` where one of those is set."
    )
