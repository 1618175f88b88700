"""Moving every data key, index root and head to the epoch in use, while the application runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from ..crypto.envelope import HeadCipher
from ..errors import EpochChanged, JazzAuthError
from ..keys.loading import OpenedKeys
from ..keys.models import Epoch
from ..keys.rewrapping import (
    hold_current,
    keys_to_move,
    move_data_keys,
    move_roots,
    stale_data_keys,
    stale_roots,
)
from .registry import Projector, projectors
from .sealing import head_epoch, open_head, seal_head

BATCH = 500
_PASSES = 20
_PAUSE = 0.1

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Remaining:
    """What stands under other epochs than the one in use, or under certain ones.

    Attributes:
        data_keys: data keys that are not destroyed.
        index_roots: index roots that are not destroyed.
        heads: heads by entity; entities without any are left out.
    """

    data_keys: int
    index_roots: int
    heads: dict[str, int]

    @property
    def total(self) -> int:
        """All of it."""
        return self.data_keys + self.index_roots + sum(self.heads.values())

    def __str__(self) -> str:
        parts = [(self.data_keys, "data keys"), (self.index_roots, "index roots")]
        parts += [(count, f"heads of {entity}") for entity, count in self.heads.items()]
        return ", ".join(f"{count:,} {what}" for count, what in parts if count) or "nothing"


@dataclass(slots=True)
class Rewrapped:
    """What a run moved.

    Attributes:
        data_keys: data keys moved.
        index_roots: index roots moved.
        heads: heads moved.
        broken: streams whose head does not open, so that it stays where it is.
        left: what is still under older epochs.
    """

    data_keys: int = 0
    index_roots: int = 0
    heads: int = 0
    broken: set[str] = field(default_factory=set)
    left: Remaining = field(default_factory=lambda: Remaining(0, 0, {}))


def remaining(using: str = "default", epochs: Sequence[Epoch] | None = None) -> Remaining:
    """Count what is not under the epoch in use. Reads every event-sourced table.

    Args:
        using: database alias.
        epochs: count what is under these instead.
    """
    if epochs is None:
        counted = list(Epoch.objects.using(using).filter(superseded_at=None))
    else:
        counted = list(epochs)
    ids = [row.id.bytes for row in counted]
    numbers = None if epochs is None else [row.number for row in counted]
    heads = {
        projector.entity: projector.count_heads(using, ids, epochs is not None)
        for projector in projectors()
        if ids
    }
    return Remaining(
        stale_data_keys(using, numbers).count(),
        stale_roots(using, numbers).count(),
        {entity: count for entity, count in heads.items() if count},
    )


def rewrap(
    using: str = "default", progress: Progress | None = None, batch: int = BATCH
) -> Rewrapped:
    """Move every data key, index root and head to the epoch in use.

    Online: short transactions, which wait for nobody while they hold locks. A run that is killed
    has done what it has done; the next one does the rest. Events are not touched.

    Args:
        using: database alias.
        progress: called with what is done and how much there is.
        batch: rows per transaction.

    Returns:
        What was moved, and what is left. Something is left when heads do not open, when others
        hold rows for long, or when an epoch was started meanwhile and this run gave up.

    Raises:
        KeyUnavailable: a data key stands under an epoch that is closed to this worker.
        SealBroken: a wrapped key was changed.
    """
    run = _Run(using, progress, batch)
    for _ in range(_PASSES):
        moved = run.moved
        try:
            run.once()
        except EpochChanged:
            continue
        run.result.left = remaining(using)
        if run.result.left.total <= len(run.result.broken):
            break
        if run.moved == moved:
            time.sleep(_PAUSE)  # others hold what is left
    return run.result


class _Run:
    def __init__(self, using: str, progress: Progress | None, batch: int) -> None:
        self.using = using
        self.batch = batch
        self.result = Rewrapped()
        self._progress = progress
        self._total = remaining(using).total if progress else 0
        self._ciphers: dict[tuple[bytes, str], HeadCipher] = {}

    @property
    def moved(self) -> int:
        result = self.result
        return result.data_keys + result.index_roots + result.heads

    def once(self) -> None:
        """One pass over everything."""
        keys = keys_to_move(self.using)
        if keys is None:
            return
        self.result.index_roots += move_roots(self.using, keys)
        while moved := move_data_keys(self.using, keys, self.batch):
            self.result.data_keys += moved
            self._tell()
        for projector in projectors():
            self._move_heads(projector, keys)

    def _move_heads(self, projector: Projector, keys: OpenedKeys) -> None:
        target = keys.current.id
        after = None
        while rows := projector.stale_heads(self.using, target, after, self.batch):
            after = rows[-1][0]
            resealed = []
            for pk, stream, blob in rows:
                new = self._resealed(projector.entity, stream, blob, keys)
                if new is not None:
                    resealed.append((pk, blob, new))
            with transaction.atomic(using=self.using):
                if not hold_current(self.using, keys.current):
                    raise EpochChanged("another epoch was started meanwhile")
                self.result.heads += projector.replace_heads(self.using, resealed)
            self._tell()

    def _resealed(self, entity: str, stream: str, blob: bytes, keys: OpenedKeys) -> bytes | None:
        """The same head under the current epoch: the bytes that a rebuild would make."""
        target = keys.current.id
        try:
            head = open_head(self._cipher(keys, head_epoch(blob), entity), stream, blob)
        except (JazzAuthError, ValueError, KeyError):
            self.result.broken.add(stream)
            return None
        self.result.broken.discard(stream)
        return seal_head(self._cipher(keys, target, entity), target, stream, head)

    def _cipher(self, keys: OpenedKeys, epoch_id: bytes, entity: str) -> HeadCipher:
        cipher = self._ciphers.get((epoch_id, entity))
        if cipher is None:
            cipher = self._ciphers[epoch_id, entity] = keys.epochs[epoch_id].head_cipher(entity)
        return cipher

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(min(self.moved, self._total), self._total)
