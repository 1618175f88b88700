"""Data keys and index roots under the current epoch: what of re-wrapping this floor can do."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import connections, transaction
from django.db.models import QuerySet

from ..crypto.envelope import EnvelopeError
from ..drivers import as_octets
from ..errors import EpochChanged, KeyUnavailable, SealBroken
from .holding import hold_epochs
from .loading import OpenedKeys, load_keys
from .models import DataKey, Epoch, IndexRoot
from .source import key_provider
from .wrapping import EpochKey

_PAUSE = 0.02


def keys_to_move(alias: str) -> OpenedKeys | None:
    """What this worker can open now; None if the database has no epoch."""
    return load_keys(alias, key_provider())


def stale_data_keys(alias: str, epoch_numbers: Sequence[int] | None = None) -> QuerySet[DataKey]:
    """Data keys that are not under the epoch in use, or that are under one of these.

    Args:
        alias: database alias.
        epoch_numbers: numbers of epochs.
    """
    return _stale(DataKey.objects.using(alias).filter(destroyed_at=None), epoch_numbers)


def stale_roots(alias: str, epoch_numbers: Sequence[int] | None = None) -> QuerySet[IndexRoot]:
    """Index roots that are not destroyed, as :func:`stale_data_keys`."""
    return _stale(IndexRoot.objects.using(alias).filter(retired_at=None), epoch_numbers)


def hold_current(alias: str, epoch: EpochKey) -> bool:
    """Keep an epoch from being superseded until the transaction ends.

    Returns:
        Whether it still is the one in use.
    """
    connection = connections[alias]
    if connection.vendor != "postgresql":
        hold_epochs(alias)  # as every writer does there
    lock = {"postgresql": " FOR SHARE", "mysql": " LOCK IN SHARE MODE"}.get(connection.vendor, "")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT superseded_at FROM jazzauth_epoch "  # noqa: S608 - constants only
            f"WHERE number = %s{lock}",
            [epoch.number],
        )
        row = cursor.fetchone()
    return row is not None and row[0] is None


def move_roots(alias: str, keys: OpenedKeys) -> int:
    """Wrap every index root that is not destroyed under the current epoch.

    Raises:
        KeyUnavailable: one stands under an epoch that is closed to us.
        EpochChanged: another one was started meanwhile; open the keys anew.
        SealBroken: one was changed.
    """
    moved = 0
    with transaction.atomic(using=alias):
        _hold(alias, keys.current)
        for row in stale_roots(alias):
            old = _epoch(keys, row.epoch_id.bytes)
            try:
                root = old.unwrap_index_root(row.generation, as_octets(row.wrapped))
            except EnvelopeError as error:
                raise SealBroken(f"index root {row.generation}", str(error)) from None
            wrapped = keys.current.wrap_index_root(row.generation, root)
            root = b""
            moved += (
                IndexRoot.objects.using(alias)
                .filter(pk=row.pk, epoch_id=row.epoch_id)
                .update(epoch=_row(alias, keys.current), wrapped=wrapped)
            )
    return moved


def move_data_keys(alias: str, keys: OpenedKeys, size: int) -> int:
    """Wrap one batch of data keys under the current epoch.

    Args:
        alias: database alias.
        keys: from :func:`keys_to_move`.
        size: data keys in the batch.

    Returns:
        How many were moved; 0 when none is left.

    Raises:
        KeyUnavailable: one stands under an epoch that is closed to us.
        EpochChanged: another one was started meanwhile; open the keys anew.
        SealBroken: one was changed.
    """
    moved = 0
    target = _row(alias, keys.current).pk
    while not moved:
        batch = list(stale_data_keys(alias).order_by("epoch_id", "pk")[:size])
        if not batch:
            return 0
        # Opened and wrapped before anything is locked.
        rows = [(row, _rewrapped(keys, row)) for row in batch]
        with transaction.atomic(using=alias):
            _hold(alias, keys.current)
            moved = _swap(alias, target, _lockable(alias, rows))
        if not moved:
            time.sleep(_PAUSE)  # all of them are in the hands of others
    return moved


def _swap(alias: str, target: uuid.UUID, rows: list[tuple[DataKey, bytes]]) -> int:
    if not rows:
        return 0
    connection = connections[alias]
    as_param = DataKey._meta.pk.get_db_prep_value
    with connection.cursor() as cursor:
        # Whoever destroyed one, or moved it, meanwhile has it his way.
        cursor.executemany(
            "UPDATE jazzauth_data_key SET epoch_id = %s, wrapped = %s WHERE id = %s "
            "AND epoch_id = %s AND destroyed_at IS NULL AND wrapped IS NOT NULL",
            [
                (
                    as_param(target, connection),
                    wrapped,
                    as_param(row.pk, connection),
                    as_param(row.epoch_id, connection),
                )
                for row, wrapped in rows
            ],
        )
        return int(cursor.rowcount)


def _stale(rows: QuerySet[Any], epoch_numbers: Sequence[int] | None) -> QuerySet[Any]:
    if epoch_numbers is None:
        return rows.exclude(epoch__superseded_at=None)
    return rows.filter(epoch__number__in=epoch_numbers)


def _rewrapped(keys: OpenedKeys, row: DataKey) -> bytes:
    old, id_, subject = _epoch(keys, row.epoch_id.bytes), row.pk.bytes, row.subject or ""
    try:
        key = old.unwrap_data_key(id_, subject, bytes(row.wrapped or b""))
    except EnvelopeError as error:
        raise SealBroken(f"data key {id_.hex()}", str(error)) from None
    return keys.current.wrap_data_key(id_, subject, key)


def _lockable(alias: str, rows: list[tuple[DataKey, bytes]]) -> list[tuple[DataKey, bytes]]:
    """Those that nobody else has locked: who waits while holding locks can deadlock others."""
    if connections[alias].vendor != "postgresql":
        return rows
    ids = [row.pk for row, _ in rows]
    locked = set(
        DataKey.objects.using(alias)
        .select_for_update(skip_locked=True, no_key=True)
        .filter(pk__in=ids)
        .values_list("pk", flat=True)
    )
    return [(row, wrapped) for row, wrapped in rows if row.pk in locked]


def _hold(alias: str, epoch: EpochKey) -> None:
    if not hold_current(alias, epoch):
        raise EpochChanged("another epoch was started meanwhile")


def _epoch(keys: OpenedKeys, epoch_id: bytes) -> EpochKey:
    epoch = keys.epochs.get(epoch_id)
    if epoch is None:
        raise KeyUnavailable(f"epoch {epoch_id.hex()} is closed to this worker")
    return epoch


def _row(alias: str, epoch: EpochKey) -> Epoch:
    return Epoch.objects.using(alias).get(number=epoch.number)
