"""Whether the database was rolled back behind a checkpoint that is kept outside of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from django.db import transaction

from ..crypto.framing import frame
from ..crypto.notes import SignedNote, read_checkpoint
from ..drivers import as_octets
from ..errors import RolledBack
from .checkpoint_keys import envelope, generation_of, unseal, verifier
from .event_sql import hold_writer_lock
from .leaves import open_batch, read_leaves
from .models import Checkpoint, Generation

Standing = Literal["contained", "abandoned", "rolled back"]

_on_new: list[Callable[[str], None]] = []


def on_new_generation(void: Callable[[str], None]) -> None:
    """Call ``void(alias)``, in its transaction, when a new generation begins.

    Args:
        void: ends what must not outlive a rollback, such as sessions.
    """
    if void not in _on_new:
        _on_new.append(void)


def current_generation(using: str) -> int:
    """Number of the present generation, from 1.

    Raises:
        SealBroken: a row of the generations was not made by the application.
    """
    row = Generation.objects.using(using).order_by("-number").first()
    if row is None:
        return 1
    _check(using, row)
    number: int = row.number
    return number


def standing(using: str, note: str) -> Standing:
    """How the database stands to a checkpoint; a few look-ups by key.

    It relies on the stored checkpoints. ``verify`` computes the tree anew.

    Args:
        using: database alias.
        note: the signed note.

    Returns:
        ``contained``: the log contains what the checkpoint covers, as far as its own checkpoints
        say. ``abandoned``: a newer generation began in the knowledge of this checkpoint.
        ``rolled back``: neither.

    Raises:
        NoteError: it is no checkpoint, or one with a wrong signature.
        SealBroken: what is stored about generations was changed.
    """
    body = read_checkpoint(note)
    present = current_generation(using)
    generation = generation_of(using, body.origin)
    if generation is None:
        # No key at all: this database is older than its first checkpoint, or is another one.
        return "rolled back"
    key = verifier(using, generation)  # of that one only: the number is anybody's to choose
    SignedNote.parse(note).verified_by([] if key is None else [key])
    if generation < present:
        after = Generation.objects.using(using).filter(number__gt=generation).order_by("number")
        _check(using, after[0])
        abandoned = read_checkpoint(after[0].abandoned)
        # A later one of the same generation would come from a database that lived on elsewhere.
        return "abandoned" if body.size <= abandoned.size else "rolled back"
    if generation > present:
        return "rolled back"
    if body.size == 0:
        return "contained"
    row = Checkpoint.objects.using(using).filter(size=body.size).first()
    if row is None:
        return "rolled back"
    batch = open_batch(using, row)
    # Rows of checkpoints that were put into an older database come without the events.
    found = next(read_leaves(using, [(batch.runs[-1][1],) * 2]))
    # The roots alone: two generations sign the same tree under different names.
    same = batch.tree.root() == body.root
    return "contained" if same and found.hash is not None else "rolled back"


def require_contained(using: str, note: str) -> None:
    """Refuse to go on with a database that was rolled back.

    Raises:
        RolledBack: it was.
        NoteError, SealBroken: see :func:`standing`.
    """
    if standing(using, note) == "rolled back":
        body = read_checkpoint(note)
        raise RolledBack(
            f'The database "{using}" does not contain what the checkpoint of {body.origin} over '
            f"{body.size} events says: it was rolled back to an earlier state, or is another one."
        )


def begin_generation(using: str, note: str) -> int:
    """Begin a new generation if the database was rolled back behind a checkpoint.

    Everything that must not outlive the rollback ends in the same transaction.

    Args:
        using: database alias.
        note: the checkpoint that is ahead.

    Returns:
        The number of the present generation, new or not.

    Raises:
        NoteError, SealBroken: see :func:`standing`.
        RolledBack: the checkpoint is of another log, or of this one before it had a key; that it
            is meant at all cannot be verified.
    """
    with transaction.atomic(using=using):
        hold_writer_lock(transaction.get_connection(using))
        if standing(using, note) != "rolled back":
            return current_generation(using)  # another process was faster
        body = read_checkpoint(note)
        generation = generation_of(using, body.origin)
        if generation is None:
            raise RolledBack(
                f"The checkpoint of {body.origin} was not signed with a key of the database "
                f'"{using}". Either it belongs to another database, or this one was rolled back '
                "to a time before its first checkpoint. Take a newer backup, or take the file away."
            )
        number = max(generation, current_generation(using)) + 1
        Generation.objects.using(using).create(
            number=number, abandoned=note, sealed=envelope(using).seal(b"", _aad(number, note))
        )
        for void in _on_new:
            void(using)
        return number


def _check(using: str, row: Generation) -> None:
    unseal(
        using, as_octets(row.sealed), _aad(row.number, row.abandoned), f"generation {row.number}"
    )


def _aad(number: int, note: str) -> bytes:
    return frame("jazzauth/generation/1", number, note)
