"""Checkpoints: signed statements of everything that the log contains."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction

from ..crypto.merkle import EMPTY_ROOT, CompactRange
from ..crypto.notes import Checkpoint as CheckpointBody
from ..crypto.notes import NoteSigner, VerifierKey, verified_checkpoint
from ..errors import SealBroken, StoreError
from .checkpoint_keys import envelope, signer, verifiers
from .generations import current_generation
from .leaves import Batch, Leaf, batch_aad, next_batch, open_batch, read_leaves
from .models import Checkpoint

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Taken:
    """A checkpoint of now.

    Attributes:
        note: the signed note.
        size: number of events that it covers.
        new: how many of them no checkpoint covered before.
    """

    note: str
    size: int
    new: int


def take(using: str = "default") -> Taken:
    """Sign a checkpoint over every event that is committed.

    The same as the newest one if nothing was written since.

    Args:
        using: database alias; no transaction may be open on it, since its own events could still
            be rolled back.

    Raises:
        SealBroken: the newest stored checkpoint or the signing key was changed.
        StoreError: other processes made checkpoints at the same time, again and again.
    """
    for _ in range(_TRIES):
        try:
            with transaction.atomic(using=using, durable=True):
                return _take(using)
        except IntegrityError:
            continue  # another process numbered these leaves first
    raise StoreError("Other processes made checkpoints at the same time; run it again.")


def verifier_key(using: str = "default") -> VerifierKey:
    """The public key that today's checkpoints are verified with; made if there is none yet."""
    return signer(using, current_generation(using)).verifier


def newest(using: str) -> Checkpoint | None:
    """The newest stored checkpoint."""
    row: Checkpoint | None = Checkpoint.objects.using(using).order_by("-first").first()
    return row


def read_note(using: str, note: str) -> CheckpointBody:
    """A checkpoint of this database, from the signed note.

    Raises:
        NoteError: it is none, or is not signed by a key of this database.
    """
    return verified_checkpoint(note, verifiers(using, current_generation(using)))


def leaves_of(using: str, rows: Sequence[Checkpoint]) -> Iterator[Leaf]:
    """All leaves of the tree that these checkpoints made, in order.

    Args:
        using: database alias.
        rows: stored checkpoints from the first on.

    Raises:
        SealBroken: a stored checkpoint was changed, or one between is missing.
    """
    expected = 0
    for row in rows:
        if row.first != expected:
            raise SealBroken("the checkpoints", f"the one after {expected} events is missing")
        yield from read_leaves(using, open_batch(using, row).runs)
        expected = row.size


@dataclass(slots=True)
class TreeWalk:
    """Leaves added one by one, and the trees compared with what was signed about them.

    Attributes:
        tree: what was added so far.
        wanted: sizes to the roots that the tree must have there.
        wrong: sizes at which it had another, rising.
    """

    wanted: dict[int, set[bytes]]
    tree: CompactRange = field(default_factory=CompactRange)
    wrong: list[int] = field(default_factory=list)

    def compare(self) -> None:
        """Compare the tree, as it is, with what was signed."""
        roots = self.wanted.get(self.tree.size)
        if roots is not None and roots != {self.tree.root()}:
            self.wrong.append(self.tree.size)


def _take(using: str) -> Taken:
    generation = current_generation(using)
    signing = signer(using, generation)
    last = newest(using)
    before = Batch() if last is None else open_batch(using, last)
    after = next_batch(using, before, time.time_ns() // 1000)
    if not after.runs:
        if last is not None and last.generation == generation:
            return Taken(last.note, last.size, 0)
        return Taken(_note(signing, before.tree), before.tree.size, 0)
    note = _note(signing, after.tree)
    first, size = before.tree.size, after.tree.size
    Checkpoint.objects.using(using).create(
        first=first,
        size=size,
        generation=generation,
        note=note,
        sealed=envelope(using).seal(after.to_bytes(), batch_aad(first, size, note)),
    )
    return Taken(note, size, size - first)


def _note(signing: NoteSigner, tree: CompactRange) -> str:
    root = tree.root() if tree.size else EMPTY_ROOT
    return signing.sign(CheckpointBody(signing.verifier.name, tree.size, root).to_text())
