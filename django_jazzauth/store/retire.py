"""Retiring epochs: from then on no copy of the database opens to who has their keys only."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from django.db import connections
from django.utils import timezone

from ..errors import EpochInUse, NoSuchEpoch
from ..keys.erasing import erasing
from ..keys.holding import hold_epochs
from ..keys.keyring import keyring
from ..keys.loading import load_keys
from ..keys.models import Epoch, Grant
from ..keys.rewrapping import stale_data_keys, stale_roots
from ..keys.source import key_provider
from .open_transactions import wait_for_transactions
from .rewrap import remaining

_CLOCKS = datetime.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Retired:
    """What was destroyed.

    Attributes:
        numbers: the epochs that were retired.
        grants: how many grants of theirs were deleted.
    """

    numbers: tuple[int, ...]
    grants: int


def retire(using: str, number: int, *, patience: float = 30.0) -> Retired:
    """Destroy the grants of an epoch and of all before it, and the wrapped copies of their keys.

    Args:
        using: database alias.
        number: the newest epoch to retire.
        patience: seconds to wait for transactions that began before the epoch was superseded; they
            may still write under it (PostgreSQL; elsewhere writers wait for each other anyway).

    Returns:
        What was destroyed. Epochs that were retired before are left out.

    Raises:
        NoSuchEpoch: no epoch has the number.
        EpochInUse: it is the one in use, something still stands under it or under an older one, or
            an old transaction does not end.
        WrongWorkerSecret: this worker has no right to the database.
    """
    rows = _retirable(using, number)
    # Who cannot open the database destroys nothing in it.
    keys = load_keys(using, key_provider()) if rows else None
    if keys is None:
        return Retired((), 0)
    _wait_for_writers(using, rows, patience)
    # Nothing new can come under these epochs any more: every writer's INSERT asks for the one in
    # use, and a re-wrapping holds the one that it moves to.
    left = remaining(using, rows)
    if left.total:
        raise EpochInUse(
            f"Under epoch {_numbers(rows)} there are still {left}. Run `manage.py jazzauth rewrap` "
            "first."
        )
    with erasing(using):
        hold_epochs(using)
        numbers = [row.number for row in rows]
        if stale_data_keys(using, numbers).exists() or stale_roots(using, numbers).exists():
            raise EpochInUse("Keys came under the epoch meanwhile. Run `jazzauth rewrap` again.")
        epochs = Epoch.objects.using(using)
        deleted, _ = Grant.objects.using(using).filter(epoch__number__in=numbers).delete()
        # The epoch after holds the key of the last one.
        epochs.filter(number__lte=number + 1).update(previous_wrapped=None)
        epochs.filter(number__in=numbers).update(retired_at=timezone.now())
        for row in rows:
            # The keys do not lead a process here any more that sleeps through all this.
            if retired := keys.epochs.get(row.id.bytes):
                epochs.filter(pk=row.pk).update(succession=retired.name_successor(keys.current))
    keyring(using).forget()
    return Retired(tuple(numbers), deleted)


def _retirable(using: str, number: int) -> list[Epoch]:
    rows = list(Epoch.objects.using(using).filter(number__lte=number).order_by("number"))
    if not rows or rows[-1].number != number:
        raise NoSuchEpoch(f"There is no epoch {number}.")
    if rows[-1].superseded_at is None:
        raise EpochInUse(
            f"Epoch {number} is the one in use. Run `manage.py jazzauth rotate` and `jazzauth "
            "rewrap` first."
        )
    return [row for row in rows if row.retired_at is None]


def _numbers(rows: list[Epoch]) -> str:
    return ", ".join(str(row.number) for row in rows)


def _wait_for_writers(using: str, rows: list[Epoch], patience: float) -> None:
    """Wait for transactions that may have taken one of these epochs for the one in use.

    PostgreSQL lets a transaction go on with what it saw: it may have written a head under the old
    epoch, and not have committed yet, so that neither re-wrapping nor counting has seen it.
    """
    if connections[using].vendor != "postgresql":
        return
    superseded = max(row.superseded_at for row in rows if row.superseded_at) + _CLOCKS
    left = wait_for_transactions(using, patience, superseded)
    if left is not None:
        raise EpochInUse(
            f"{left.count} transactions from before the new epoch are {left}. What they wrote may "
            "be under the old one. End them, or try again later."
        )
