"""Which epoch this process goes on from: a new one must have been made by who had that one.

Anybody who can write to the database can write an epoch into it, granted to public keys that stand
there. What shows a true one is that it holds the key of the epoch before; or, once that is retired,
that the epoch before named it its successor. A process goes on from the epoch that it has; one that
starts from the one that its worker's anchor names.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from django.db import Error, connections, transaction

from ..errors import EpochNotTrusted, JazzAuthError, NotAnchored
from .anchor import Anchor, can_anchor, make_anchor, peek, read_anchor
from .models import Worker
from .provider import KeyProvider
from .wrapping import EpochKey, read_succession

logger = logging.getLogger("django_jazzauth.keys")

_held: dict[str, Anchor] = {}
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
    being_made: bool,
) -> None:
    """Whether the opened epochs lead to the one that this process, or else its worker, last had.

    Args:
        alias: database alias.
        worker: whose secret this process has.
        stored: the worker's anchor, read before the epochs were.
        epochs: by id; the newest, and what follows from it.
        successions: by id of the epoch, what retired epochs say of their successors.
        being_made: the tables were empty: what this process held is gone.

    Raises:
        EpochNotTrusted: they do not.
        NotAnchored: the process holds no epoch yet, and its worker has no anchor of its own making.
        KeyProviderFailed: what holds the worker's keys cannot be asked.
    """
    held = None if being_made else _held.get(alias)
    newest = max((epoch.number for epoch in epochs.values()), default=0)
    if held is not None:
        if not leads_to(held, epochs, successions):
            raise EpochNotTrusted(
                f"Epoch {newest} of database {alias!r} does not lead to the epoch that this "
                "process has worked with. Somebody wrote it into the database, or the database was "
                "exchanged for another or an older one. Find out which. If it is right as it is: "
                f"{_TRUST}, then restart this process."
            )
        return
    if not can_anchor(worker):
        return  # jazzauth.W010 says it
    anchor = read_anchor(worker, stored) if stored is not None else None
    if anchor is None:
        said = (
            "was not made by it"
            if stored is not None
            else "is missing: it was added by its card and has not been told yet which epoch to "
            "trust, or somebody removed it"
        )
        raise NotAnchored(
            f"The anchor of worker {worker.worker_id} in database {alias!r} {said}. So it cannot "
            f"tell whether epoch {newest} is genuine. {_COMPARE}"
        )
    if not leads_to(anchor, epochs, successions):
        raise EpochNotTrusted(
            f"Epoch {newest} of database {alias!r} does not lead to epoch {anchor.number} "
            f"({anchor.fingerprint}), which worker {worker.worker_id} last opened. Somebody wrote "
            "it into the database, or the database was exchanged for another one. Compare the "
            f"table jazzauth_epoch with a backup. If it is right as it is: {_COMPARE}"
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


def hold_to(alias: str, worker: KeyProvider, stored: bytes | None, epoch: EpochKey) -> None:
    """From now on, go on from this epoch only; if it was read in a transaction, from its commit on.

    The worker's anchor moves along, so that the next process of this worker starts from here.

    Args:
        alias: database alias.
        worker: whose secret this process has.
        stored: the worker's anchor, as it was read.
        epoch: the one in use, after :func:`check_epochs`.
    """
    known = _held.get(alias)
    anchored = peek(stored) if stored is not None else None
    if (known is not None and known.id == epoch.id) and (
        anchored is not None and anchored.id == epoch.id
    ):
        return
    connection = connections[alias]

    def take_over() -> None:
        # A test's captureOnCommitCallbacks also calls the hooks of what it will roll back.
        if connection.in_atomic_block:
            return
        _held[alias] = Anchor.of(epoch)
        if anchored is None or anchored.id != epoch.id:
            _move_anchor(alias, worker, stored, epoch)

    if connection.in_atomic_block:
        # Robust: whoever committed shall not be told that it failed.
        transaction.on_commit(take_over, using=alias, robust=True)
    else:
        take_over()


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
    if alias is None:
        _held.clear()
    else:
        _held.pop(alias, None)
