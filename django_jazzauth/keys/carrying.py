"""The tables of the keys as they travel to a copy of the log: still wrapped, whole rows.

What a row holds is sealed (docs/format.md), so whoever carries it learns no key from it. A key that
was destroyed travels as well, without its wrapped form, so that it is destroyed in the copy too.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable, Sequence

import msgspec
from django.conf import settings
from django.utils import timezone

from ..drivers import as_octets
from ..errors import SealBroken
from .models import DataKey, Epoch, Grant, IndexRoot, Worker

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
_TRIES = 10
_CHUNK = 400


class WorkerCarried(msgspec.Struct, frozen=True, array_like=True):
    """A row of ``jazzauth_worker``. Times here are microseconds since 1970-01-01 UTC."""

    id: str
    name: str
    suite: str
    public_key: bytes
    created_at: int
    removed_at: int | None
    anchor: bytes | None = None


class EpochCarried(msgspec.Struct, frozen=True, array_like=True):
    """A row of ``jazzauth_epoch``."""

    id: bytes
    number: int
    created_at: int
    superseded_at: int | None
    retired_at: int | None
    public_key: bytes
    previous_wrapped: bytes | None
    succession: bytes | None = None
    index_seal: bytes | None = None


class GrantCarried(msgspec.Struct, frozen=True, array_like=True):
    """A row of ``jazzauth_grant``."""

    epoch_id: bytes
    worker_id: str
    suite: str
    sealed: bytes
    endorsement: bytes


class RootCarried(msgspec.Struct, frozen=True, array_like=True):
    """A row of ``jazzauth_index_root``."""

    generation: int
    epoch_id: bytes
    wrapped: bytes
    created_at: int
    retired_at: int | None


class KeyringCarried(msgspec.Struct, frozen=True, array_like=True, tag_field="kind", tag="keyring"):
    """Everything but the data keys, as it stood at one moment."""

    workers: list[WorkerCarried]
    epochs: list[EpochCarried]
    grants: list[GrantCarried]
    roots: list[RootCarried]


class DataKeyCarried(
    msgspec.Struct, frozen=True, array_like=True, tag_field="kind", tag="data-key"
):
    """A row of ``jazzauth_data_key``; destroyed if it has no ``wrapped``."""

    id: bytes
    subject: str | None
    epoch_id: bytes
    wrapped: bytes | None
    created_at: int
    destroyed_at: int | None
    tombstone: bytes | None = None

    def __repr__(self) -> str:
        return f"<DataKeyCarried {self.id.hex()}>"


def read_keyring(alias: str) -> KeyringCarried:
    """The keyring of a database.

    Raises:
        SealBroken: the epochs changed on every try to read them.
    """
    for _ in range(_TRIES):
        epochs = _epochs(alias)
        found = KeyringCarried(
            [
                WorkerCarried(
                    row.id,
                    row.name,
                    row.suite,
                    as_octets(row.public_key),
                    _micros(row.created_at),
                    _moment(row.removed_at),
                    None if row.anchor is None else as_octets(row.anchor),
                )
                for row in Worker.objects.using(alias).order_by("id")
            ],
            epochs,
            [
                GrantCarried(
                    row.epoch_id.bytes,
                    row.worker_id,
                    row.suite,
                    as_octets(row.sealed),
                    as_octets(row.endorsement),
                )
                for row in Grant.objects.using(alias).order_by("epoch__number", "worker_id")
            ],
            [
                RootCarried(
                    row.generation,
                    row.epoch_id.bytes,
                    as_octets(row.wrapped),
                    _micros(row.created_at),
                    _moment(row.retired_at),
                )
                for row in IndexRoot.objects.using(alias).order_by("generation")
            ],
        )
        if _epochs(alias) == epochs:  # nobody rotated or retired between the queries
            return found
    raise SealBroken("epochs", "they changed on every try to read them")


def read_data_keys(alias: str, ids: Iterable[bytes]) -> list[DataKeyCarried]:
    """The data keys with these 16-byte ids, as far as they are there."""
    wanted = [uuid.UUID(bytes=id_) for id_ in ids]
    found = []
    for start in range(0, len(wanted), _CHUNK):
        rows = DataKey.objects.using(alias).filter(pk__in=wanted[start : start + _CHUNK])
        found += [_carried(row) for row in rows]
    return found


def page_of_data_keys(alias: str, after: bytes | None, size: int) -> list[DataKeyCarried]:
    """Data keys in the order of their ids.

    Args:
        alias: database alias.
        after: id of the last one of the page before.
        size: how many at most.
    """
    rows = DataKey.objects.using(alias).order_by("pk")
    if after is not None:
        rows = rows.filter(pk__gt=uuid.UUID(bytes=after))
    return [_carried(row) for row in rows[:size]]


def put_keyring(alias: str, keyring: KeyringCarried) -> None:
    """Make the keyring of a copy what another database's is, inside the caller's transaction."""
    workers = Worker.objects.using(alias)
    for worker in keyring.workers:
        workers.update_or_create(
            id=worker.id,
            defaults={
                "name": worker.name,
                "suite": worker.suite,
                "public_key": worker.public_key,
                "created_at": _when(worker.created_at),
                "removed_at": _time(worker.removed_at),
            },
        )
        # One of a process here says more, and who publishes shall not take it away.
        workers.filter(pk=worker.id, anchor=None).update(anchor=worker.anchor)
    for epoch in keyring.epochs:
        Epoch.objects.using(alias).update_or_create(
            id=uuid.UUID(bytes=epoch.id),
            defaults={
                "number": epoch.number,
                "created_at": _when(epoch.created_at),
                "superseded_at": _time(epoch.superseded_at),
                "retired_at": _time(epoch.retired_at),
                "public_key": epoch.public_key,
                "previous_wrapped": epoch.previous_wrapped,
                "succession": epoch.succession,
                "index_seal": epoch.index_seal,
            },
        )
    grants = Grant.objects.using(alias)
    standing = {(row.epoch_id.bytes, row.worker_id): row for row in grants}
    for grant in keyring.grants:
        standing.pop((grant.epoch_id, grant.worker_id), None)
        grants.update_or_create(
            epoch_id=uuid.UUID(bytes=grant.epoch_id),
            worker_id=grant.worker_id,
            defaults={
                "suite": grant.suite,
                "sealed": grant.sealed,
                "endorsement": grant.endorsement,
            },
        )
    grants.filter(pk__in=[row.pk for row in standing.values()]).delete()
    for root in keyring.roots:
        IndexRoot.objects.using(alias).update_or_create(
            generation=root.generation,
            defaults={
                "epoch_id": uuid.UUID(bytes=root.epoch_id),
                "wrapped": root.wrapped,
                "created_at": _when(root.created_at),
                "retired_at": _time(root.retired_at),
            },
        )


def put_data_keys(alias: str, keys: Sequence[DataKeyCarried]) -> list[bytes]:
    """Give a copy these data keys, inside the caller's transaction; one destroyed stays so.

    Returns:
        The ids of those that it destroyed.
    """
    rows = DataKey.objects.using(alias)
    latest = {key.id: key for key in keys}
    known = {
        row.pk.bytes: row
        for start in range(0, len(latest), _CHUNK)
        for row in rows.filter(
            pk__in=[uuid.UUID(bytes=id_) for id_ in [*latest][start : start + _CHUNK]]
        )
    }
    destroyed = []
    new = []
    for key in latest.values():
        row = known.get(key.id)
        if key.subject is not None:
            # A subject has one key: if the copy knows another, the news that it was destroyed
            # comes later.
            others = rows.filter(subject=key.subject).exclude(pk=uuid.UUID(bytes=key.id))
            for other in others:
                destroyed.append(other.pk.bytes)
                others.update(subject=None, wrapped=None, destroyed_at=_time(key.created_at))
        values = {
            "subject": key.subject,
            "epoch_id": uuid.UUID(bytes=key.epoch_id),
            "wrapped": key.wrapped,
            "created_at": _when(key.created_at),
            "destroyed_at": _time(key.destroyed_at),
            "tombstone": key.tombstone,
        }
        if row is None:
            new.append(DataKey(id=uuid.UUID(bytes=key.id), **values))
            continue
        if row.wrapped is None and key.wrapped is not None:
            continue  # what was destroyed does not come back
        if row.wrapped is not None and key.wrapped is None:
            destroyed.append(key.id)
        rows.filter(pk=row.pk).update(**values)
    rows.bulk_create(new, batch_size=100)
    return destroyed


def knows_epochs(alias: str, ids: Iterable[bytes]) -> bool:
    """Whether a database has all these epochs."""
    wanted = {uuid.UUID(bytes=id_) for id_ in ids}
    return Epoch.objects.using(alias).filter(pk__in=wanted).count() == len(wanted)


def _epochs(alias: str) -> list[EpochCarried]:
    return [
        EpochCarried(
            row.id.bytes,
            row.number,
            _micros(row.created_at),
            _moment(row.superseded_at),
            _moment(row.retired_at),
            as_octets(row.public_key),
            None if row.previous_wrapped is None else as_octets(row.previous_wrapped),
            None if row.succession is None else as_octets(row.succession),
            None if row.index_seal is None else as_octets(row.index_seal),
        )
        for row in Epoch.objects.using(alias).order_by("number")
    ]


def _carried(row: DataKey) -> DataKeyCarried:
    destroyed = row.wrapped is None or row.destroyed_at is not None
    return DataKeyCarried(
        row.pk.bytes,
        None if destroyed else row.subject,
        row.epoch_id.bytes,
        None if destroyed or row.wrapped is None else as_octets(row.wrapped),
        _micros(row.created_at),
        _moment(row.destroyed_at),
        as_octets(row.tombstone) if destroyed and row.tombstone is not None else None,
    )


def _micros(moment: datetime.datetime) -> int:
    if moment.tzinfo is None:  # a project without USE_TZ
        moment = moment.astimezone(datetime.UTC)
    return (moment - _EPOCH) // _MICROSECOND


def _moment(moment: datetime.datetime | None) -> int | None:
    return None if moment is None else _micros(moment)


def _time(microseconds: int | None) -> datetime.datetime | None:
    return None if microseconds is None else _when(microseconds)


def _when(microseconds: int) -> datetime.datetime:
    moment = _EPOCH + microseconds * _MICROSECOND
    return moment if settings.USE_TZ else timezone.make_naive(moment)
