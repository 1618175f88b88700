"""Which epoch this process goes on from: a new one must have been made by who had that one.

Anybody who can write to the database can write an epoch into it, granted to public keys that stand
there. What shows a true one is that it holds the key of the epoch before; or, once that is retired,
that the epoch before named it its successor.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connections, transaction

from ..errors import EpochNotTrusted
from .wrapping import EpochKey, read_succession

_held: dict[str, tuple[bytes, bytes]] = {}


def check_epochs(
    alias: str, epochs: Mapping[bytes, EpochKey], successions: Mapping[bytes, bytes]
) -> None:
    """Whether the opened epochs lead to the one that this process holds, if it holds any.

    Args:
        alias: database alias.
        epochs: by id; the newest, and what follows from it.
        successions: by id of the epoch, what retired epochs say of their successors.

    Raises:
        EpochNotTrusted: they do not.
    """
    held = _held.get(alias)
    if held is None:
        return
    id_, public_key = held
    for _ in range(len(successions) + 1):
        if id_ in epochs:
            if epochs[id_].public_key == public_key:
                return
            break
        named = read_succession(id_, public_key, successions.get(id_, b""))
        if named is None:
            break
        id_, public_key = named
    newest = max((epoch.number for epoch in epochs.values()), default=0)
    raise EpochNotTrusted(
        f"Epoch {newest} of database {alias!r} does not lead to the epoch that this process has "
        "worked with. Somebody wrote it into the database, or the database was exchanged for "
        "another or an older one. Find out which; if it is right as it is, restart this process."
    )


def hold_to(alias: str, epoch: EpochKey) -> None:
    """From now on, go on from this epoch only; if it was read in a transaction, from its commit on.

    Args:
        alias: database alias.
        epoch: the one in use, after :func:`check_epochs`.
    """
    known = _held.get(alias)
    if known is not None and known[0] == epoch.id:
        return
    if not connections[alias].in_atomic_block:
        _held[alias] = epoch.id, epoch.public_key
        return

    def committed() -> None:
        # A test's captureOnCommitCallbacks also calls the hooks of what it will roll back.
        if not connections[alias].in_atomic_block:
            _held[alias] = epoch.id, epoch.public_key

    transaction.on_commit(committed, using=alias)


def let_go(alias: str | None = None) -> None:
    """Hold to no epoch of a database, or of any: its tables were emptied by this very process."""
    if alias is None:
        _held.clear()
    else:
        _held.pop(alias, None)
