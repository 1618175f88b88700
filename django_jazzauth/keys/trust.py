"""Which epoch this process goes on from: a new one must have been made by who had that one.

Anybody who can write to the database can write an epoch into it, granted to public keys that stand
there. What shows a true one is that it holds the key of the epoch before; or, once that is retired,
that the epoch before named it its successor. A process goes on from the epoch that it has; one that
starts from the one that its worker's anchor names. Where the tables are empty it makes a first
epoch, and goes on from that one because it made it; any other that appears there has to lead back.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from django.db import Error, connections, transaction

from ..errors import EpochNotTrusted, JazzAuthError, NotAnchored
from .anchor import Anchor, can_anchor, make_anchor, peek, read_anchor
from .models import Worker
from .provider import KeyProvider
from .wrapping import EpochKey, read_succession

logger = logging.getLogger("django_jazzauth.keys")

_lock = threading.Lock()
_held: dict[str, Anchor] = {}
# First epochs that this process made and does not hold to yet: they may still be rolled back.
_made: dict[str, Anchor] = {}

_TRUST = "`manage.py jazzauth worker trust`"
_COMPARE = (
    f"Have its fingerprint read out where another worker's secret is set (`manage.py jazzauth "
    f"worker epoch`), and pass that to {_TRUST} here."
)


def check_epochs(
    alias: str,
    worker: KeyProvider,
    stored: bytes | None,
    epochs: Mapping[bytes, EpochKey],
    successions: Mapping[bytes, bytes],
    *,
    made: Anchor | None = None,
) -> None:
    """Whether the opened epochs lead to the one that this process, or else its worker, last had.

    Args:
        alias: database alias.
        worker: whose secret this process has.
        stored: the worker's anchor, read before the epochs were.
        epochs: by id; the newest, and what follows from it.
        successions: by id of the epoch, what retired epochs say of their successors.
        made: the first epoch, if this process made it in this very transaction: what it held
            before is gone.

    Raises:
        EpochNotTrusted: they do not.
        NotAnchored: the process holds no epoch yet, and its worker has no anchor of its own making.
        KeyProviderFailed: what holds the worker's keys cannot be asked.
    """
    held = made or _held.get(alias)
    if held is not None:
        own = None if made is not None else _made.get(alias)
        if not any(leads_to(start, epochs, successions) for start in (held, own) if start):
            raise EpochNotTrusted(_departed(alias, worker, epochs, just_now=made is not None))
    if made is None and can_anchor(worker):  # otherwise jazzauth.W010 says it
        _check_anchor(alias, worker, stored, epochs, successions, running=held is not None)


def _check_anchor(
    alias: str,
    worker: KeyProvider,
    stored: bytes | None,
    epochs: Mapping[bytes, EpochKey],
    successions: Mapping[bytes, bytes],
    *,
    running: bool,
) -> None:
    """Whether the epochs lead to the one that the worker last opened.

    Also in a process that has an epoch: another one of the same worker's may have gone on since,
    and a removed worker can fork what was before.
    """
    told = peek(stored) if stored is not None else None
    if running and (told is None or leads_to(told, epochs, successions)):
        return  # whoever made it
    anchor = read_anchor(worker, stored) if stored is not None else None
    if anchor is None:
        if running:
            return  # what the process has says more than an anchor that somebody took away
        said = (
            "was not made by it"
            if stored is not None
            else "is missing: it was added by its card and has not been told yet which epoch to "
            "trust, or somebody removed it"
        )
        raise NotAnchored(
            f"The anchor of worker {worker.worker_id} in database {alias!r} {said}. So it cannot "
            f"tell whether epoch {_newest(epochs)} is genuine. {_COMPARE}"
        )
    if not leads_to(anchor, epochs, successions):
        raise EpochNotTrusted(
            f"Epoch {_newest(epochs)} of database {alias!r} does not lead to epoch {anchor.number} "
            f"({anchor.fingerprint}), which worker {worker.worker_id} last opened. Somebody wrote "
            "it into the database, or the database was exchanged for another one. Compare the "
            f"table jazzauth_epoch with a backup. If it is right as it is: {_COMPARE}"
        )


def _newest(epochs: Mapping[bytes, EpochKey]) -> int:
    return max((epoch.number for epoch in epochs.values()), default=0)


def _departed(
    alias: str, worker: KeyProvider, epochs: Mapping[bytes, EpochKey], *, just_now: bool
) -> str:
    mine = "has made just now" if just_now else "has worked with"
    trust = f"{_TRUST}, then restart this process" if can_anchor(worker) else "restart this process"
    return (
        f"Epoch {_newest(epochs)} of database {alias!r} does not lead to the epoch that this "
        f"process {mine}. Somebody wrote it into the database, or the database was exchanged for "
        f"another or an older one. Find out which. If it is right as it is: {trust}."
    )


def leads_to(
    start: Anchor, epochs: Mapping[bytes, EpochKey], successions: Mapping[bytes, bytes]
) -> bool:
    """Whether an epoch is among those that opened, or named its successors up to one of those.

    Args:
        start: the epoch.
        epochs: by id; the newest, and what follows from it.
        successions: by id of the epoch, what retired epochs say of their successors.
    """
    id_, public_key = start.id, start.public_key
    for _ in range(len(successions) + 1):
        if id_ in epochs:
            return epochs[id_].public_key == public_key
        named = read_succession(id_, public_key, successions.get(id_, b""))
        if named is None:
            return False
        id_, public_key = named
    return False


def made_here(alias: str, epoch: EpochKey) -> Anchor:
    """Know a first epoch as this process's own making, before it is committed and held to.

    Nobody else has its key, so it is safe to go on from, whatever becomes of the transaction.
    """
    made = _made[alias] = Anchor.of(epoch)
    return made


def hold_to(
    alias: str, worker: KeyProvider, stored: bytes | None, epochs: Mapping[bytes, EpochKey]
) -> None:
    """From now on, go on from these epochs only; if read in a transaction, from its commit on.

    The worker's anchor moves along, so that the next process of this worker starts from here.

    Args:
        alias: database alias.
        worker: whose secret this process has.
        stored: the worker's anchor, as it was read.
        epochs: by id, those that opened, after :func:`check_epochs`.
    """
    epoch = max(epochs.values(), key=lambda epoch: epoch.number)
    anchored = peek(stored) if stored is not None else None
    connection = connections[alias]
    if connection.in_atomic_block and not can_anchor(worker):
        _hold_to_oldest(alias, epochs)
    known = _held.get(alias)
    if (known is not None and known.id == epoch.id) and (
        anchored is not None and anchored.id == epoch.id
    ):
        return

    def take_over() -> None:
        # A test's captureOnCommitCallbacks also calls the hooks of what it will roll back.
        if connection.in_atomic_block:
            return
        with _lock:
            now = _held.get(alias)
            # Another thread may have gone on since this one read.
            if now == known or (now is not None and leads_to(now, epochs, {})):
                _held[alias] = Anchor.of(epoch)
                _made.pop(alias, None)
        if anchored is None or anchored.id != epoch.id:
            _move_anchor(alias, worker, stored, epoch)

    if connection.in_atomic_block:
        # Robust: whoever committed shall not be told that it failed.
        transaction.on_commit(take_over, using=alias, robust=True)
    else:
        take_over()


def _hold_to_oldest(alias: str, epochs: Mapping[bytes, EpochKey]) -> None:
    """Hold to what this transaction's end does not change, for a worker that has no anchor.

    What was opened stays in use also if the transaction is rolled back. The newest epoch may be
    this transaction's own making; the oldest is not, unless it is the first.
    """
    oldest = Anchor.of(min(epochs.values(), key=lambda epoch: epoch.number))
    with _lock:
        if oldest != _made.get(alias):
            _held.setdefault(alias, oldest)


def _move_anchor(alias: str, worker: KeyProvider, stored: bytes | None, epoch: EpochKey) -> None:
    """Store the anchor at an epoch, unless another process of this worker has moved it meanwhile.

    What fails here is made up for by the next process: the older anchor leads to the same epoch.
    """
    if not connections[alias].get_autocommit():
        return  # whoever commits by hand shall not find a statement of ours in it
    try:
        made = make_anchor(worker, epoch)
        if made is None:
            return
        rows = Worker.objects.using(alias).filter(pk=worker.worker_id)
        rows = rows.filter(anchor=None) if stored is None else rows.filter(anchor=stored)
        rows.update(anchor=made)
    except (Error, JazzAuthError) as error:
        logger.warning(
            "The anchor of worker %s in database %r could not be moved to epoch %d: %s",
            worker.worker_id,
            alias,
            epoch.number,
            type(error).__name__,
        )


def let_go(alias: str | None = None) -> None:
    """Hold to no epoch of a database, or of any: its tables were emptied by this very process."""
    for known in (_held, _made):
        if alias is None:
            known.clear()
        else:
            known.pop(alias, None)
