"""Starting a new epoch."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from ..crypto.envelope import EnvelopeError
from ..errors import SealBroken, WorkerError, WrongWorkerSecret
from .anchor import make_anchor
from .holding import hold_epochs
from .keyring import keyring
from .loading import OpenedKeys, load_keys
from .models import Epoch, Grant, Worker
from .provider import KeyProvider
from .source import key_provider
from .wrapping import KEY_BYTES, EpochKey


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did.

    Attributes:
        number: the new epoch's number.
        granted: the workers that it was granted to.
        left_out: workers that are not removed, but that nobody who had the epoch before vouched
            for; they can be granted by their card.
    """

    number: int
    granted: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def rotate(alias: str) -> Rotation:
    """Start a new epoch, granted to every worker of the present one.

    What was written before stays under its epoch until it is re-wrapped. Writers in other processes
    notice at their next write, and go on under the new epoch.

    Args:
        alias: database alias.

    Raises:
        WorkerError: the database has no epoch yet.
        WrongWorkerSecret, KeyUnavailable, SealBroken: as reading the keys can.
    """
    with transaction.atomic(using=alias):
        return start_epoch(alias, opened_keys(alias))


def opened_keys(alias: str, *, trusting: bool = False) -> OpenedKeys:
    """Hold the epochs for this transaction, and open what this worker can.

    Args:
        alias: database alias.
        trusting: as for :func:`~django_jazzauth.keys.loading.load_keys`.

    Raises:
        WorkerError: the database has no epoch yet.
    """
    hold_epochs(alias)
    keys = load_keys(alias, key_provider(), trusting=trusting)
    if keys is None:
        raise WorkerError(
            "This database has no keys yet: they are made with its first user. There is nothing "
            "to rotate, and nothing to grant."
        )
    return keys


def start_epoch(alias: str, keys: OpenedKeys, leaving: str | None = None) -> Rotation:
    """Write the new epoch, inside the caller's transaction.

    Args:
        alias: database alias.
        keys: from :func:`opened_keys`, in the same transaction.
        leaving: id of the worker that is not to have it.

    Raises:
        WorkerError: nobody would have it.
        SealBroken: a worker's endorsement was changed.
        WrongWorkerSecret: this process's own worker would be left out without having been named.
    """
    old = keys.current
    endorsed, left_out = _endorsed(alias, old, leaving)
    worker = key_provider()
    own = worker.worker_id
    if not endorsed:
        raise WorkerError("Nobody would be left who can open the database.")
    if own != leaving and own not in endorsed:
        raise WrongWorkerSecret(own, "it was removed from this database.")
    new = EpochKey(uuid.uuid4().bytes, old.number + 1, os.urandom(KEY_BYTES))
    now = timezone.now()
    Epoch.objects.using(alias).filter(number=old.number).update(superseded_at=now)
    row = Epoch.objects.using(alias).create(
        id=uuid.UUID(bytes=new.id),
        number=new.number,
        created_at=now,
        public_key=new.public_key,
        previous_wrapped=new.wrap_previous(old),
        index_seal=new.seal_generations(keys.generations_left),
    )
    for worker_id, (suite, public_key) in endorsed.items():
        write_grant(alias, new, row, worker_id, suite, public_key)
    if own in endorsed:
        # At once: to the epoch before this one a worker that was removed just now has the key.
        write_anchor(alias, worker, new)
    ring = keyring(alias)
    transaction.on_commit(ring.forget, using=alias)
    return Rotation(new.number, tuple(endorsed), tuple(left_out))


def write_grant(
    alias: str, epoch: EpochKey, row: Epoch, worker_id: str, suite: str, public_key: bytes
) -> None:
    """Grant an epoch to a worker, and vouch for the worker's public key.

    Raises:
        UnknownSuite, ImproperPublicKey: as :func:`~django_jazzauth.crypto.hpke.seal_to`.
    """
    Grant.objects.using(alias).update_or_create(
        epoch=row,
        worker_id=worker_id,
        defaults={
            "suite": suite,
            "sealed": epoch.grant(worker_id, suite, public_key),
            "endorsement": epoch.endorse(worker_id, suite, public_key),
        },
    )


def write_anchor(alias: str, worker: KeyProvider, epoch: EpochKey) -> None:
    """Let a worker go on from an epoch; nothing if its key provider cannot make anchors.

    Raises:
        KeyProviderFailed: what holds the worker's keys cannot be asked.
    """
    made = make_anchor(worker, epoch)
    if made is not None:
        Worker.objects.using(alias).filter(pk=worker.worker_id).update(anchor=made)


def endorsed_key(epoch: EpochKey, grant: Grant) -> bytes:
    """The public key that holders of an epoch vouched for.

    Raises:
        SealBroken: the endorsement was changed.
    """
    try:
        return epoch.endorsed(grant.worker_id, grant.suite, bytes(grant.endorsement))
    except EnvelopeError as error:
        raise SealBroken(
            f"worker {grant.worker_id}",
            f"its endorsement in epoch {epoch.number}: {error}. If it is not yours, remove it",
        ) from None


def _endorsed(
    alias: str, epoch: EpochKey, leaving: str | None
) -> tuple[dict[str, tuple[str, bytes]], list[str]]:
    """Suite and public key of who has the epoch and stays; and who stays without having it."""
    grants = {
        grant.worker_id: grant
        for grant in Grant.objects.using(alias).filter(epoch_id=uuid.UUID(bytes=epoch.id))
    }
    found: dict[str, tuple[str, bytes]] = {}
    left_out: list[str] = []
    for worker in Worker.objects.using(alias).filter(removed_at=None).order_by("created_at", "id"):
        if worker.id == leaving:
            continue
        grant = grants.get(worker.id)
        if grant is None:
            left_out.append(worker.id)
        else:
            found[worker.id] = grant.suite, endorsed_key(epoch, grant)
    return found, left_out
