"""Telling a worker which epoch is genuine, where its anchor does not say it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from django.db import transaction

from ..drivers import as_octets
from ..errors import EpochNotTrusted, NotAnchored, WorkerError
from .anchor import Anchor, can_anchor, read_anchor
from .keyring import keyring
from .loading import OpenedKeys, successions
from .models import Epoch
from .rotation import opened_keys, write_anchor
from .source import key_provider
from .trust import leads_to, let_go


@dataclass(frozen=True, slots=True)
class EpochFacts:
    """The epoch in use, as people compare it.

    Attributes:
        number: its number.
        fingerprint: ``e_`` and 32 hex digits.
        created_at: when it was made, by what its row says.
        departed_from: what this worker last opened, if the epoch in use does not lead there.
    """

    number: int
    fingerprint: str
    created_at: datetime.datetime
    departed_from: Anchor | None


def epoch_in_use(alias: str, *, trusting: bool = False) -> EpochFacts:
    """The epoch in use.

    Args:
        alias: database alias.
        trusting: also if this worker cannot tell whether it is genuine.

    Raises:
        WorkerError: the database has no epoch yet.
        NotAnchored: this worker makes no anchors: what it says of an epoch is no proof to others.
        EpochNotTrusted, WrongWorkerSecret, SealBroken: as reading the keys can.
    """
    worker = key_provider()
    if not trusting and not can_anchor(worker):
        raise NotAnchored(
            f"The key provider of worker {worker.worker_id} has no `mac`, so this process believes "
            "what stands in the database, and cannot vouch for it to others. Have the fingerprint "
            "read out (`manage.py jazzauth worker epoch`) where a worker with an anchor is set."
        )
    with transaction.atomic(using=alias):
        return _facts(alias, opened_keys(alias, trusting=trusting))


def trust_epoch(alias: str, fingerprint: str) -> EpochFacts:
    """Let this process's worker go on from the epoch in use, because somebody compared.

    Args:
        alias: database alias.
        fingerprint: of the epoch in use, or of an older one that it leads to.

    Returns:
        The epoch that the worker is anchored at.

    Raises:
        WorkerError: no epoch has this fingerprint, the key provider can make no anchor, or the
            database has no epoch yet.
        EpochNotTrusted: the epoch in use does not lead to the one with this fingerprint.
        WrongWorkerSecret, SealBroken: as reading the keys can.
    """
    worker = key_provider()
    if not can_anchor(worker):
        raise WorkerError(
            f"The key provider of worker {worker.worker_id} has no `mac`: it can make no anchor."
        )
    with transaction.atomic(using=alias):
        keys = opened_keys(alias, trusting=True)
        rows = list(Epoch.objects.using(alias).all())
        # Of a retired one only the row knows the public key; the fingerprint vouches for it.
        named = [
            anchor
            for row in rows
            for anchor in [Anchor(row.id.bytes, as_octets(row.public_key), row.number)]
            if anchor.fingerprint == fingerprint.strip().lower()
        ]
        if not named:
            raise WorkerError(
                f"No epoch of database {alias!r} has the fingerprint {fingerprint}. Nothing "
                "changed. Read it out anew where another worker's secret is set: `manage.py "
                "jazzauth worker epoch`."
            )
        if not leads_to(named[0], keys.epochs, successions(rows)):
            raise EpochNotTrusted(
                f"Epoch {keys.current.number} does not lead to epoch {named[0].number}, which has "
                "this fingerprint: somebody wrote it into the database. Nothing changed."
            )
        write_anchor(alias, worker, keys.current)
        facts = _facts(alias, keys)
    let_go(alias)
    keyring(alias).forget()
    return facts


def _facts(alias: str, keys: OpenedKeys) -> EpochFacts:
    rows = {row.number: row for row in Epoch.objects.using(alias).all()}
    worker, last = key_provider(), None
    if keys.anchor is not None and can_anchor(worker):
        last = read_anchor(worker, keys.anchor)
    if last is not None and leads_to(last, keys.epochs, successions(rows.values())):
        last = None
    number = keys.current.number
    fingerprint = Anchor.of(keys.current).fingerprint
    return EpochFacts(number, fingerprint, rows[number].created_at, last)
