"""Reading the tables of the keys: what this worker can open, checked against itself."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NoReturn

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

from ..crypto.envelope import EnvelopeError
from ..drivers import as_octets
from ..errors import EpochNotTrusted, SealBroken, WrongWorkerSecret
from .anchor import Anchor
from .holding import hold_epochs
from .models import Epoch, Grant, IndexColumn, IndexRoot, Worker
from .provider import KeyProvider
from .trust import check_epochs
from .wrapping import EpochKey, open_grant

_TRIES = 10


@dataclass(frozen=True, slots=True)
class OpenedRoot:
    """An index root, opened."""

    generation: int
    root: bytes = field(repr=False)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an index root cannot be pickled or copied")


@dataclass(frozen=True, slots=True)
class OpenedKeys:
    """What a worker can open.

    Attributes:
        epochs: by id.
        current: the one in use.
        roots: the index roots that are not destroyed, newest first, as far as they open.
        generations_left: numbers of all that are not destroyed.
        columns: by entity and field, the generations that a column is under: its own and, if it is
            on its way to another one, that. Others are under the oldest live one.
        index_state: of the epoch in use.
        anchor: of the worker, as it is stored.
    """

    epochs: dict[bytes, EpochKey]
    current: EpochKey
    roots: tuple[OpenedRoot, ...]
    generations_left: frozenset[int]
    columns: dict[tuple[str, str], tuple[int, int | None]]
    index_state: int
    anchor: bytes | None

    def generations(self, entity: str, field: str) -> tuple[int, int | None]:
        """The generation that a column is under, and the one that it moves to."""
        known = self.columns.get((entity, field))
        if known is not None:
            return known
        return min((root.generation for root in self.roots), default=0), None


def load_keys(
    alias: str,
    worker: KeyProvider,
    *,
    being_made: bool = False,
    made: Anchor | None = None,
    trusting: bool = False,
) -> OpenedKeys | None:
    """Open everything that ``worker`` was granted in a database (five queries).

    Args:
        alias: database alias.
        worker: whose secret this process has.
        being_made: several processes may be making the first epoch just now; none is locked out.
        made: the first epoch, if this process made it in this very transaction.
        trusting: take the epoch in use for genuine. For who asks somebody whether it is.

    Returns:
        None if the database has no epoch at all.

    Raises:
        WrongWorkerSecret: the epoch in use was not granted to this worker.
        EpochNotTrusted: the epoch in use does not lead to the one that this process goes on from.
        NotAnchored: this worker has no anchor of its own making, so that nobody can tell.
        SealBroken: the tables contradict themselves, or a grant or a wrapped key does not open.
    """
    for _ in range(_TRIES):
        keys, torn = _load(alias, worker, being_made, made, trusting)
        if not torn:
            return keys
    raise SealBroken(
        "index roots",
        "one is wrapped under an epoch that is not there, a column needs one that is not there, or "
        "they are not those that the epoch in use was left with",
    )


def _load(
    alias: str, worker: KeyProvider, being_made: bool, made: Anchor | None, trusting: bool
) -> tuple[OpenedKeys | None, bool]:
    """As :func:`load_keys`, and whether another process rotated and re-wrapped between the queries:
    then the index roots stand under an epoch that the first of them could not see.
    """
    # Before the epochs: an anchor never runs ahead of them, and an older one leads there as well.
    anchor = _anchor(alias, worker)
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
    if anchor is None and _anchor(alias, worker) is not None:
        return None, True  # this worker was added, or the first epoch made, between the queries
    _refuse_closed(rows, epochs)
    if not trusting:
        check_epochs(alias, worker, anchor, epochs, successions(rows), made=made)
    columns = {
        (column.entity, column.field): (column.generation, column.target)
        for column in _newest(IndexColumn.objects.using(alias).all(), lock)
    }
    # After the columns: whoever moves them makes the root first, and destroys one last.
    undestroyed = IndexRoot.objects.using(alias).filter(retired_at=None).order_by("-generation")
    wrapped = list(_newest(undestroyed, lock))
    there = frozenset(root.generation for root in wrapped)
    torn = not {root.epoch_id for root in wrapped} <= {row.id for row in rows} or not all(
        {generation, target} <= {*there, None} for generation, target in columns.values()
    )
    if not hmac.compare_digest(
        as_octets(rows[0].index_seal or b""), current.seal_generations(there)
    ):
        torn = True  # or an old root was put back, or one taken away; then it stays so
    roots = _open_roots(epochs, wrapped)
    keys = OpenedKeys(epochs, current, roots, there, columns, rows[0].index_state, anchor)
    return keys, torn


def successions(rows: Iterable[Epoch]) -> dict[bytes, bytes]:
    """What retired epochs say of their successors, by their ids."""
    return {row.id.bytes: as_octets(row.succession) for row in rows if row.succession}


def _anchor(alias: str, worker: KeyProvider) -> bytes | None:
    # Without a lock, also where others are read with one: whoever moves it waits for nobody.
    own = Worker.objects.using(alias).filter(pk=worker.worker_id)
    stored = own.values_list("anchor", flat=True).first()
    return None if stored is None else as_octets(stored)


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
    """Open the newest epoch by this worker's grant, and each older one by the epoch after it.

    Anybody can seal to a public key: grants of other epochs than the newest are not looked at. Who
    has the newest has all before it, as far as they are not retired.
    """
    grant = _newest(
        Grant.objects.using(alias).filter(epoch_id=rows[0].id, worker_id=worker.worker_id), lock
    ).values_list("suite", "sealed")
    epochs: dict[bytes, EpochKey] = {}
    for suite, sealed in grant:
        id_ = rows[0].id.bytes
        epoch = _open(rows[0], open_grant, worker, id_, suite, as_octets(sealed))
        epochs[id_] = epoch
        for newer, row in pairwise(rows):
            if newer.previous_wrapped is None:
                break
            id_, wrapped = row.id.bytes, as_octets(newer.previous_wrapped)
            epoch = _open(row, epoch.unwrap_previous, id_, wrapped)
            epochs[id_] = epoch
    return epochs


def _refuse_closed(rows: list[Epoch], epochs: dict[bytes, EpochKey]) -> None:
    """Who makes an epoch wraps the key of the one before, unless that is retired."""
    for row in rows:
        if row.retired_at is None and row.id.bytes not in epochs:
            raise EpochNotTrusted(
                f"Epoch {rows[0].number} does not lead to epoch {row.number}, which was not "
                "retired: somebody wrote one of them into the database. Restore the tables "
                "jazzauth_epoch and jazzauth_grant from a backup."
            )


def _open(row: Epoch, unwrap: Callable[..., bytes], *arguments: object) -> EpochKey:
    # The key itself stands in no variable: error reports show those.
    try:
        epoch = EpochKey(row.id.bytes, row.number, unwrap(*arguments))
    except EnvelopeError as error:
        raise SealBroken(f"epoch {row.number}", f"its key: {error}") from None
    if epoch.public_key != as_octets(row.public_key):
        raise SealBroken(f"epoch {row.number}", "its key is not the one that its row commits to")
    return epoch


def _open_roots(epochs: dict[bytes, EpochKey], wrapped: list[IndexRoot]) -> tuple[OpenedRoot, ...]:
    return tuple(
        _open_root(epochs[row.epoch_id.bytes], row.generation, as_octets(row.wrapped))
        for row in wrapped
        if row.epoch_id.bytes in epochs
    )


def _open_root(epoch: EpochKey, generation: int, wrapped: bytes) -> OpenedRoot:
    # In a frame of its own: error reports show variables, and here there is none to show.
    try:
        return OpenedRoot(generation, epoch.unwrap_index_root(generation, wrapped))
    except EnvelopeError as error:
        raise SealBroken(f"index root {generation}", str(error)) from None


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
            "`manage.py jazzauth worker card` here, and `manage.py jazzauth worker grant "
            f"{worker_id} --card FILE` where one of those is set."
        )
    return (
        f"this database does not know it. {set_another}, or run `manage.py jazzauth worker card` "
        "here, and `manage.py jazzauth worker add NAME --card FILE` where one of those is set."
    )
