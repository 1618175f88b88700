"""Who may open the database: adding, granting, removing and listing workers."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from ..conf import get_settings
from ..crypto.hpke import public_key_length
from ..drivers import as_octets
from ..errors import SealBroken, WorkerError
from .anchor import peek
from .card import Card
from .loading import OpenedKeys
from .models import Epoch, Grant, Worker
from .provider import KeyProvider
from .rotation import (
    Rotation,
    endorsed_key,
    opened_keys,
    start_epoch,
    write_anchor,
    write_grant,
)
from .source import key_provider

NAME_LENGTH = 150


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """What is known of a worker.

    Attributes:
        id: fingerprint of its public keys.
        name: what people call it.
        suite: HPKE suite that epochs are granted to it under.
        created_at: when it was added.
        removed_at: when it was removed; None: it was not.
        has_current: whether the epoch in use was granted to it.
        epochs: numbers of the epochs with a grant to it.
        own: whether it is the worker of this process.
        anchored: number of the epoch that its anchor names; None: it has none. Whether the worker
            made it, only the worker can tell.
    """

    id: str
    name: str
    suite: str
    created_at: datetime.datetime
    removed_at: datetime.datetime | None
    has_current: bool
    epochs: tuple[int, ...]
    own: bool
    anchored: int | None


def list_workers(alias: str) -> list[WorkerFacts]:
    """Every worker there ever was, oldest first. Needs no key but this process's own id."""
    own = key_provider().worker_id
    current = Epoch.objects.using(alias).filter(superseded_at=None).first()
    numbers: dict[str, list[int]] = {}
    granted = Grant.objects.using(alias).order_by("epoch__number")
    for worker_id, number in granted.values_list("worker_id", "epoch__number"):
        numbers.setdefault(worker_id, []).append(number)
    return [
        WorkerFacts(
            id=row.id,
            name=row.name,
            suite=row.suite,
            created_at=row.created_at,
            removed_at=row.removed_at,
            has_current=current is not None and current.number in numbers.get(row.id, ()),
            epochs=tuple(numbers.get(row.id, ())),
            own=row.id == own,
            anchored=_anchored(row),
        )
        for row in Worker.objects.using(alias).order_by("created_at", "id")
    ]


def add_worker(
    alias: str,
    name: str,
    card: Card,
    suite: str | None = None,
    secret: KeyProvider | None = None,
) -> str:
    """Make a worker known, and grant it the epoch in use, and so all before.

    Args:
        alias: database alias.
        name: what people call it; no other worker that is not removed has it.
        card: its public keys.
        suite: HPKE suite of its grants; by default ``JAZZAUTH["HPKE_SUITE"]``.
        secret: the worker's own, if it was made just now: then it is anchored at once. Who is added
            by a card has to be told which epoch to trust.

    Returns:
        The worker's id.

    Raises:
        WorkerError: the name is taken or cannot be one, the worker is known already, or the
            database has no epoch yet.
        UnknownSuite: there is no such suite.
        ImproperPublicKey: the card holds none of that suite.
        WrongWorkerSecret: this process has no right to the database itself.
    """
    suite = suite or get_settings().HPKE_SUITE
    public_key_length(suite)  # refuses what is no suite
    name = _checked_name(name)
    with transaction.atomic(using=alias):
        keys = opened_keys(alias)
        workers = Worker.objects.using(alias)
        if workers.filter(id=card.worker_id).exists():
            raise WorkerError(f"Worker {card.worker_id} is known already.")
        if workers.filter(name=name, removed_at=None).exists():
            raise WorkerError(f"There is a worker {name!r} already; choose another name.")
        public_key = card.public_keys[suite]
        Worker.objects.using(alias).create(
            id=card.worker_id, name=name, suite=suite, public_key=public_key
        )
        write_grant(alias, keys.current, _row(alias, keys), card.worker_id, suite, public_key)
        if secret is not None:
            write_anchor(alias, secret, keys.current)
    return card.worker_id


def grant_worker(alias: str, text: str, card: Card | None = None, suite: str | None = None) -> str:
    """Grant the epoch in use to a worker that is known, but does not have it.

    Its public key must be vouched for: by its card, or by its endorsement under the epoch in use.
    What stands in the table of workers counts for nothing, for anybody who can write to the
    database can write there: neither the key nor the suite is taken from it, nor whether the
    worker was removed and what it had before.

    Args:
        alias: database alias.
        text: the worker's name or id.
        card: its public keys.
        suite: HPKE suite of its grant, with a card; by default ``JAZZAUTH["HPKE_SUITE"]``. Without
            a card it is the one that was vouched for.

    Returns:
        The worker's id.

    Raises:
        WorkerError: nobody is known by that name, it was removed, the card is another's, or nobody
            vouched for its key.
        UnknownSuite: there is no such suite.
        ImproperPublicKey: the card holds none of that suite.
    """
    with transaction.atomic(using=alias):
        keys = opened_keys(alias)
        worker = find_worker(alias, text)
        if card is not None:
            if card.worker_id != worker.id:
                raise WorkerError(f"The card is that of {card.worker_id}, not of {worker.id}.")
            suite = suite or get_settings().HPKE_SUITE
            public_key_length(suite)  # refuses what is no suite
            public_key = card.public_keys[suite]
        else:
            suite, public_key = _vouched(alias, keys, worker)
        write_grant(alias, keys.current, _row(alias, keys), worker.id, suite, public_key)
        Worker.objects.using(alias).filter(pk=worker.pk).update(suite=suite, public_key=public_key)
    return worker.id


def remove_worker(alias: str, text: str, *, myself: bool = False) -> Rotation:
    """Start a new epoch without a worker. It need not be online.

    What was written before can be opened by the worker's secret until it is re-wrapped and the old
    epoch retired, and in every copy from before for ever.

    Args:
        alias: database alias.
        text: the worker's name or id.
        myself: allow the worker of this process to be removed; it can open nothing afterwards.

    Returns:
        The new epoch.

    Raises:
        WorkerError: nobody is known by that name, it is removed already, it is the last one, or it
            is this process's own.
    """
    with transaction.atomic(using=alias):
        keys = opened_keys(alias)
        worker = find_worker(alias, text)
        holders = Grant.objects.using(alias).filter(
            epoch_id=uuid.UUID(bytes=keys.current.id), worker__removed_at=None
        )
        if not holders.exclude(worker_id=worker.id).exists():
            raise WorkerError(
                f"{worker} is the last worker: without it nobody could open the database. Add "
                "another one first."
            )
        if worker.id == key_provider().worker_id and not myself:
            raise WorkerError(
                f"{worker} is the worker of this very process, which could open nothing any more. "
                "Run this where another worker's secret is set, or insist (--force)."
            )
        rotation = start_epoch(alias, keys, leaving=worker.id)
        Worker.objects.using(alias).filter(pk=worker.pk).update(removed_at=timezone.now())
    return rotation


def find_worker(alias: str, text: str) -> Worker:
    """The worker of that name or id, if it was not removed.

    Raises:
        WorkerError: there is none.
    """
    workers = Worker.objects.using(alias)
    row = workers.filter(id=text).first() or workers.filter(name=text, removed_at=None).first()
    if row is None:
        known = ", ".join(map(str, workers.filter(removed_at=None).order_by("created_at")))
        raise WorkerError(f"No worker is called {text!r}. There are: {known or 'none'}.")
    if row.removed_at is not None:
        raise WorkerError(
            f"{row} was removed on {row.removed_at:%Y-%m-%d}. Its secret may be in other hands: "
            "add a new worker instead."
        )
    return row


def _vouched(alias: str, keys: OpenedKeys, worker: Worker) -> tuple[str, bytes]:
    """Suite and public key that holders of the epoch in use vouched for.

    An endorsement under an older epoch says nothing: a worker that was removed since has one, too.
    """
    epoch = keys.current
    grants = Grant.objects.using(alias).filter(worker=worker, epoch_id=uuid.UUID(bytes=epoch.id))
    for grant in grants:
        try:
            return grant.suite, endorsed_key(epoch, grant)
        except SealBroken:
            continue
    raise WorkerError(
        f"Nobody who has epoch {epoch.number} vouched for the public key of {worker}, and it may "
        "have been removed meanwhile. Let its owner run `manage.py jazzauth worker card`, and pass "
        "that on with --card."
    )


def _anchored(row: Worker) -> int | None:
    anchor = None if row.anchor is None else peek(as_octets(row.anchor))
    return None if anchor is None else anchor.number


def _row(alias: str, keys: OpenedKeys) -> Epoch:
    return Epoch.objects.using(alias).get(id=uuid.UUID(bytes=keys.current.id))


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable() or name.startswith("w_"):
        raise WorkerError(
            f"A worker's name has 1 to {NAME_LENGTH} printable characters and does not begin with "
            "w_, as ids do."
        )
    return name
