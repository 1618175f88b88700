"""New keys for searchable columns, while the application runs.

A column moves to the new generation value by value, in the order of the old ciphertexts, all rows
of a value in one transaction. So equal values have equal ciphertexts at every moment, and all that
the database does with them stays true: UNIQUE, joins, grouping. ``keys.index_places`` has the
boundary.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import OperationalError, connections, transaction

from ..conf import get_settings
from ..crypto.envelope import EnvelopeError
from ..errors import ReindexRefused
from ..keys.erasing import erasing
from ..keys.index_places import Place, brief_waits, hold_places, move_boundary, read_places
from ..keys.index_rotation import announce, generation_of, settle, span
from ..keys.keyring import keyring
from .index_sql import count_within, next_within, replace_values
from .open_transactions import wait_for_transactions
from .registry import IndexedColumn, projectors
from .trigram_filling import renew
from .trigram_keys import forget_unconfigured, trigram_columns

BATCH = 200
PATIENCE = 120.0
_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
# Beyond the age that keys may have in memory: for clocks, and for statements on their way.
MARGIN = 1.5

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Reindexed:
    """What a run did.

    Attributes:
        columns: the columns that arrived under new keys.
        moved: fields of rows that got a new ciphertext.
        destroyed: generations whose keys were destroyed.
        left: by column, how many fields hold an old ciphertext that does not open.
    """

    columns: list[IndexedColumn] = field(default_factory=list)
    moved: int = 0
    destroyed: list[int] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)


def all_columns(using: str = "default") -> list[IndexedColumn]:
    """Every searchable column of the event-sourced models, and what else is under index keys."""
    own = [column for projector in projectors() for column in projector.indexed_columns(using)]
    return own + trigram_columns()


def to_move(using: str, columns: Sequence[IndexedColumn]) -> dict[str, int]:
    """How many fields of rows a run would give a new ciphertext, by column."""
    keys = generation_of(using, [_name(column) for column in columns])
    places = read_places(using)
    counts = {}
    for column in columns:
        place = places.get(_name(column))
        number = keys.get(_name(column)) if place is None else place.generation
        if number is not None:
            low, high = span(number)
            if place is not None and place.target is not None:
                low = place.boundary
            counts[str(column)] = count_within(using, column, (low, high))
    return counts


def reindex(
    using: str = "default",
    columns: Sequence[IndexedColumn] | None = None,
    *,
    progress: Progress | None = None,
    batch: int = BATCH,
    wait: float | None = None,
    patience: float = PATIENCE,
) -> Reindexed:
    """Move searchable columns to a new generation of index keys, and destroy the old keys.

    A run that is killed has done what it has done; the next one finishes it first, and goes on with
    what was asked for beyond it.

    Args:
        using: database alias.
        columns: which; by default all.
        progress: called with what is done and how much there is.
        batch: values per transaction.
        wait: seconds from the announcement to the first move; by default somewhat more than
            ``JAZZAUTH["KEYS_MAX_AGE"]``, after which every process has heard of it.
        patience: seconds to wait for what others have locked.

    Returns:
        What was done. With something ``left``, the columns still stand between two generations.

    Raises:
        ReindexRefused: others hold what has to be moved, or there is no further generation.
        WorkerError: the database has no keys yet.
    """
    if wait is None:
        wait = MARGIN * get_settings().KEYS_MAX_AGE
    known = {_name(column): column for column in all_columns(using)}
    wanted = list(known.values()) if columns is None else list(columns)
    run = _Run(using, batch, wait, patience, progress)
    moving = {name for name, place in read_places(using).items() if place.target is not None}
    strange = sorted(f"{entity}.{key}" for entity, key in moving - known.keys())
    if strange:
        raise ReindexRefused(
            f"{', '.join(strange)}: being re-indexed, but no model here has it. Run this where all "
            "apps are installed."
        )
    if moving:
        run.finish([known[name] for name in known if name in moving])
    fresh = [column for column in wanted if _name(column) not in moving]
    if fresh and not run.result.left:
        announce(using, [_name(column) for column in fresh])
        keyring(using).forget()
        run.finish(fresh)
    return run.result


def _name(column: IndexedColumn) -> tuple[str, str]:
    return column.entity, column.key


class _Run:
    def __init__(
        self, using: str, batch: int, wait: float, patience: float, progress: Progress | None
    ) -> None:
        self.using = using
        self.batch = batch
        self.wait = wait
        self.patience = patience
        self.result = Reindexed()
        self._progress = progress
        self._done = self._total = 0

    def finish(self, columns: Sequence[IndexedColumn]) -> None:
        """Bring columns that were announced to their end."""
        if self._progress is not None:
            self._total += sum(to_move(self.using, columns).values())
        places = read_places(self.using)
        # Who has moved something has waited before.
        here = [places[_name(column)] for column in columns if _name(column) in places]
        if all(place.boundary == span(place.generation)[0] for place in here):
            self._wait_until_known()
        with brief_waits(self.using):
            for column in columns:
                size = self.batch
                while size:
                    size = self._step(column, size)
            # Tokens have no order to move by: now they are written, and so written anew, with the
            # new keys. Look-ups take both.
            tokens = {column.entity for column in columns if not column.places}
            renew(self.using, sorted(tokens))
            self._settle(columns)

    def _wait_until_known(self) -> None:
        """Until every process searches both generations, and writes by the boundary."""
        # Before: whoever reads a past without the announcement in it may take that for checked.
        self._wait_for_transactions()
        time.sleep(self.wait)
        # After: what began while keys from before the announcement were still good.
        self._wait_for_transactions()

    def _wait_for_transactions(self) -> None:
        left = wait_for_transactions(self.using, self.patience)
        if left is not None:
            raise ReindexRefused(
                f"{left.count} transactions that may not know of the new keys are {left}. End "
                "them, and run this again."
            )

    def _step(self, column: IndexedColumn, size: int) -> int:
        """Move the next values of a column; how many to take in the next step, 0 at the end."""
        ends, pause = time.monotonic() + self.patience, _PAUSE
        alone = not connections[self.using].in_atomic_block
        while True:
            began = time.monotonic()
            try:
                with transaction.atomic(using=self.using):
                    hold_places(self.using)
                    moved, more = self._move(column, size)
                break
            except OperationalError as error:
                # Others hold a row or the database; they must not wait behind us for long.
                if not alone or time.monotonic() >= ends:
                    raise ReindexRefused(
                        f"{column} could not be moved further for {self.patience:.0f} seconds, "
                        f"since others held its rows: {str(error).strip()}. Run this again."
                    ) from error
                size = max(size // 2, 1)
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        self.result.moved += moved
        self._done += moved
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total)
        if more and alone:
            time.sleep(min(time.monotonic() - began, _LONGEST_PAUSE))  # others have their turn
        return min(2 * size, self.batch) if more else 0

    def _move(self, column: IndexedColumn, size: int) -> tuple[int, bool]:
        place = read_places(self.using, hold=True).get(_name(column))
        if place is None or place.target is None:
            return 0, False  # another run was faster
        end = span(place.generation)[1]
        values = next_within(self.using, column, (place.boundary, end), size)
        pairs = self._resealed(column, place, values)
        moved = replace_values(self.using, column, pairs) if pairs else 0
        more = len(values) == size
        move_boundary(self.using, _name(column), values[-1] if more else end)
        return moved, more

    def _resealed(
        self, column: IndexedColumn, place: Place, values: Sequence[bytes]
    ) -> list[tuple[bytes, bytes]]:
        ring, name = keyring(self.using), _name(column)
        old = ring.index_cipher_of(*name, place.generation)
        new = ring.index_cipher_of(*name, place.target or 0)
        pairs = []
        for value in values:
            try:
                pairs.append((value, new.seal(old.open(value))))
            except EnvelopeError:
                continue  # stays, is found at the end, and ``verify`` names its rows
        return pairs

    def _settle(self, columns: Sequence[IndexedColumn]) -> None:
        ends, pause = time.monotonic() + self.patience, _PAUSE
        while True:
            try:
                with erasing(self.using):
                    hold_places(self.using)
                    destroyed = self._settle_held(columns)
                break
            except OperationalError as error:
                if connections[self.using].in_atomic_block or time.monotonic() >= ends:
                    raise ReindexRefused(
                        f"The database was busy for {self.patience:.0f} seconds: "
                        f"{str(error).strip()}. Run this again."
                    ) from error
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        if destroyed is not None:
            self.result.columns += columns
            self.result.destroyed += destroyed
        keyring(self.using).forget()

    def _settle_held(self, columns: Sequence[IndexedColumn]) -> list[int] | None:
        """End the move, unless something is left; the generations that were destroyed."""
        places = read_places(self.using, hold=True)
        for column in columns:
            place = places.get(_name(column))
            if place is not None and place.target is not None:
                left = count_within(self.using, column, span(place.generation))
                if left:
                    self.result.left[str(column)] = left
        if self.result.left:
            return None
        others = [column for column in all_columns(self.using) if column not in columns]
        needed = generation_of(self.using, [_name(column) for column in others])
        forget_unconfigured(self.using)
        return settle(self.using, [_name(column) for column in columns], needed.values())
