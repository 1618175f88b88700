"""The order of events in the Merkle tree, which must never change once it was signed.

Positions alone do not give such an order. On PostgreSQL they come from a sequence: a transaction
may take position 7, another take 8 and commit, and 7 commit an hour later, or never. Law 9's
transaction ids say when nothing below can come any more, but only in the cluster that gave them
out: an upgrade or a restored dump begins to count anew. So leaves are numbered when a checkpoint is
made: it adds, in the order of their positions, the events that are committed and in no checkpoint
yet. Every event that a statement sees of other transactions is committed. One that commits later,
with whatever position, is in the next checkpoint. The lists of what each of them added are kept
sealed beside the note.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.db import connections

from ..crypto.digest import leaf_data
from ..crypto.framing import frame
from ..crypto.merkle import CompactRange, leaf_hash
from ..drivers import as_octets
from ..errors import SealBroken, StoreError
from .checkpoint_keys import unseal
from .models import Checkpoint

Run = tuple[int, int]

# A transaction that writes an event is not open for longer than this. What is found in an older
# gap was not there when it should have been.
GAP_SECONDS = 86_400
_PAGE = 5000
_FAR = 10_000
_CONDITIONS = 100
_CLOSE = 50


@dataclass(frozen=True, slots=True)
class Leaf:
    """An event as the tree sees it.

    Attributes:
        position: its place in the log.
        hash: of the leaf; None if the event is missing or no leaf can be made of its columns.
    """

    position: int
    hash: bytes | None


@dataclass(slots=True)
class Batch:
    """What one checkpoint added to the tree.

    Attributes:
        runs: positions of the new leaves, as stretches ``(first, last)`` in rising order.
        gaps: positions that are still open: ``(first, last, microseconds when first seen)``.
        high: the highest position that any checkpoint has seen.
        tree: the tree after it.
    """

    runs: list[Run] = field(default_factory=list)
    gaps: list[tuple[int, int, int]] = field(default_factory=list)
    high: int = 0
    tree: CompactRange = field(default_factory=CompactRange)

    def to_bytes(self) -> bytes:
        """The form in which it is sealed."""
        return msgspec.msgpack.encode((self.runs, self.gaps, self.high, self.tree.hashes))

    @classmethod
    def from_bytes(cls, raw: bytes, size: int) -> Batch:
        """Read what :meth:`to_bytes` wrote, of a checkpoint of ``size`` leaves."""
        kind = tuple[list[Run], list[tuple[int, int, int]], int, list[bytes]]
        runs, gaps, high, hashes = msgspec.msgpack.decode(raw, type=kind)
        return cls(runs, gaps, high, CompactRange(size, hashes))


def batch_aad(first: int, size: int, note: str) -> bytes:
    """What a sealed batch is bound to: its place in the tree, and the note that was signed."""
    return frame("jazzauth/checkpoint/1", first, size, note)


def open_batch(alias: str, row: Checkpoint) -> Batch:
    """The batch of a stored checkpoint.

    Raises:
        SealBroken: the row was changed.
    """
    what = f"the checkpoint of {row.size} events"
    try:
        aad = batch_aad(row.first, row.size, row.note)
        batch = Batch.from_bytes(unseal(alias, as_octets(row.sealed), aad, what), row.size)
    except (ValueError, msgspec.DecodeError) as error:
        raise SealBroken(what, "its list of leaves does not open") from error
    if sum(last - first + 1 for first, last in batch.runs) != row.size - row.first:
        raise SealBroken(what, "its list of leaves has another length")
    return batch


def next_batch(alias: str, before: Batch, now: int) -> Batch:
    """The events that are in no checkpoint yet, added to the tree.

    Args:
        alias: database alias.
        before: the newest batch.
        now: microseconds since 1970.

    Returns:
        The next batch; without ``runs`` if nothing is new.

    Raises:
        StoreError: a column of an event is out of its range.
    """
    tree = CompactRange(before.tree.size, before.tree.hashes)
    after = Batch([], [], before.high, tree)
    # Older positions first, so that a batch is in the order of positions. What commits between
    # the two statements is seen by the second, or is a gap or beyond the end for the next batch.
    late = [(first, last) for first, last, _ in before.gaps]
    for position, txid, digest in _in_gaps(alias, late):
        tree.append(_hash(position, txid, digest))
        _extend(after.runs, position)
    found = list(after.runs)
    for position, txid, digest in rows_between(alias, before.high + 1, 2**63 - 1):
        tree.append(_hash(position, txid, digest))
        _extend(after.runs, position)
        if position > after.high + 1:
            after.gaps.append((after.high + 1, position - 1, now))
        after.high = position
    limit = now - GAP_SECONDS * 1_000_000
    still = [gap for gap in before.gaps if gap[2] > limit]
    after.gaps = [*_without(still, found), *after.gaps]
    return after


def read_leaves(alias: str, runs: Iterable[Run]) -> Iterator[Leaf]:
    """The leaves at these positions, in order; one for every position, missing ones included.

    Args:
        alias: database alias.
        runs: stretches of positions, rising.
    """
    for group in _near(runs):
        rows = rows_between(alias, group[0][0], group[-1][1])
        row = next(rows, None)
        for first, last in group:
            for position in range(first, last + 1):
                while row is not None and row[0] < position:
                    row = next(rows, None)
                if row is None or row[0] != position:
                    yield Leaf(position, None)
                else:
                    yield Leaf(position, hash_of_row(row))


def _hash(position: int, txid: int, digest: bytes) -> bytes:
    leaf = hash_of_row((position, txid, digest))
    if leaf is None:
        raise StoreError(
            f"The event at position {position} was changed so that no checkpoint can cover it. "
            "`manage.py jazzauth verify` says more."
        )
    return leaf


def hash_of_row(row: tuple[int, int, bytes]) -> bytes | None:
    """Hash of the leaf of an event; None if a column is out of its range."""
    try:
        return leaf_hash(leaf_data(*row))
    except (TypeError, ValueError):
        return None


def rows_between(alias: str, first: int, last: int) -> Iterator[tuple[int, int, bytes]]:
    """Position, txid and digest of the events between two positions, page by page."""
    sql = (
        "SELECT position, txid, digest FROM jazzauth_event "
        "WHERE position >= %s AND position <= %s ORDER BY position LIMIT %s"
    )
    while True:
        with connections[alias].cursor() as cursor:
            cursor.execute(sql, [first, last, _PAGE])
            page = cursor.fetchall()
        for row in page:
            yield _row(row)
        if len(page) < _PAGE:
            return
        first = page[-1][0] + 1


def _in_gaps(alias: str, gaps: list[Run]) -> Iterator[tuple[int, int, bytes]]:
    stretches = list(_together(gaps))
    at = 0
    for start in range(0, len(stretches), _CONDITIONS):
        chunk = stretches[start : start + _CONDITIONS]
        condition = " OR ".join(["position BETWEEN %s AND %s"] * len(chunk))
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT position, txid, digest FROM jazzauth_event "  # noqa: S608 - marks only
                f"WHERE {condition} ORDER BY position",
                [bound for stretch in chunk for bound in stretch],
            )
            rows = cursor.fetchall()
        for row in rows:
            while gaps[at][1] < row[0]:
                at += 1
            if gaps[at][0] <= row[0]:
                yield _row(row)


def _together(gaps: list[Run]) -> Iterator[Run]:
    """Stretches over gaps that lie close together: a few rows cost less than a condition."""
    first, last = gaps[0] if gaps else (0, 0)
    for gap in gaps[1:]:
        if gap[0] - last <= _CLOSE and gap[1] - first < _PAGE:
            last = gap[1]
        else:
            yield first, last
            first, last = gap
    if gaps:
        yield first, last


def _row(row: Any) -> tuple[int, int, bytes]:
    position, txid, digest = row
    # Without types of its own (SQLite) a database can hold a text there.
    return position, txid, digest.encode() if isinstance(digest, str) else bytes(digest)


def _extend(runs: list[Run], position: int) -> None:
    if runs and runs[-1][1] + 1 == position:
        runs[-1] = (runs[-1][0], position)
    else:
        runs.append((position, position))


def _without(
    gaps: Iterable[tuple[int, int, int]], taken: Iterable[Run]
) -> Iterator[tuple[int, int, int]]:
    taken = list(taken)
    for first, last, seen in gaps:
        for start, end in taken:
            if end < first or start > last:
                continue
            if start > first:
                yield first, start - 1, seen
            first = end + 1
        if first <= last:
            yield first, last, seen


def _near(runs: Iterable[Run]) -> Iterator[list[Run]]:
    """Stretches in groups, so that no statement reads over a long way between two of them."""
    group: list[Run] = []
    for run in runs:
        if group and run[0] - group[-1][1] > _FAR:
            yield group
            group = []
        group.append(run)
    if group:
        yield group
