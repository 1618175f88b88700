"""The Merkle tree: computed anew, and compared with every checkpoint, stored and outside."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connections

from ..crypto.notes import NoteError, read_checkpoint
from ..errors import SealBroken
from .checkpoints import TreeWalk, read_note
from .leaves import Batch, Run, open_batch, read_leaves, rows_between
from .models import Checkpoint
from .problems import Report


def check_tree(alias: str, notes: Sequence[str], report: Report) -> None:
    """Compare the log with its stored checkpoints and with those from outside.

    Args:
        alias: database alias.
        notes: signed notes that were kept outside.
        report: where problems go.
    """
    batches = _stored(alias, report)
    roots: dict[int, set[bytes]] = {b.tree.size: {b.tree.root()} for b in batches}
    outside: dict[int, bytes] = {}
    for note in notes:
        _outside(alias, note, batches, outside, report)
    for size, root in outside.items():
        roots.setdefault(size, set()).add(root)
    report.checkpoints = len(roots)
    present = _walk(alias, batches, TreeWalk(roots), outside, report)
    if batches:
        report.covered = batches[-1].tree.size
        _uncovered(alias, batches, present, report)


def _stored(alias: str, report: Report) -> list[Batch]:
    batches: list[Batch] = []
    size = 0
    for row in Checkpoint.objects.using(alias).order_by("first"):
        try:
            batch = open_batch(alias, row)
            if row.first != size:
                raise SealBroken("the checkpoints", f"the one after {size} events is missing")
        except SealBroken as error:
            report.found("CHECKPOINT_BROKEN", "", None, str(error))
            break  # leaves beyond it cannot be numbered
        size = row.size
        batches.append(batch)
    return batches


def _outside(
    alias: str, note: str, batches: list[Batch], outside: dict[int, bytes], report: Report
) -> None:
    try:
        body = read_note(alias, note)
    except NoteError as error:
        try:
            origin = read_checkpoint(note).origin
        except NoteError:
            origin = ""
        named = f" of {origin}" if origin else ""
        report.found("CHECKPOINT_REFUSED", "", None, f"the checkpoint{named} given: {error}")
        return
    size = batches[-1].tree.size if batches else 0
    if body.size > size:
        report.found(
            "CHECKPOINT_AHEAD",
            "",
            None,
            f"the checkpoint given covers {body.size} events, the log only {size}: its end was "
            "cut off, or the database was rolled back",
        )
    else:
        outside[body.size] = body.root


def _walk(
    alias: str,
    batches: list[Batch],
    walk: TreeWalk,
    outside: dict[int, bytes],
    report: Report,
) -> int:
    """Add all leaves and compare; returns how many events stand where a leaf was."""
    present = 0
    broken = False
    walk.compare()
    for batch in batches:
        first = walk.tree.size
        for leaf in read_leaves(alias, batch.runs):
            if leaf.hash is None:
                detail = f"the event at position {leaf.position}, which a checkpoint covers, "
                report.found("EVENT_REMOVED", "", None, detail + "is missing or unreadable")
                broken = True
                walk.tree.append(bytes(32))
                continue
            present += 1
            walk.tree.append(leaf.hash)
            if not broken:
                walk.compare()
        if broken:
            continue  # no later root can be right; what is missing is named all the same
        if walk.wrong:
            broken = True
            size = walk.wrong[0]
            given = "the checkpoint given" if size in outside else "a checkpoint"
            report.found(
                "TREE_DIFFERS",
                "",
                None,
                f"among the events {first + 1} to {size} of the tree one is another than "
                f"{given} was signed over",
            )
    if broken:
        for size in outside:
            report.found(
                "CHECKPOINT_DIFFERS",
                "",
                None,
                f"the log does not contain any more what the checkpoint over {size} events covers",
            )
    return present


def _uncovered(alias: str, batches: list[Batch], present: int, report: Report) -> None:
    """Events that stand among covered ones, but came later than any transaction lasts."""
    high, gaps = batches[-1].high, batches[-1].gaps
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM jazzauth_event WHERE position <= %s", [high])
        (count,) = cursor.fetchone()
    if count == present:
        return
    runs: list[Run] = [run for batch in batches for run in batch.runs]
    known = _merged([*runs, *((first, last) for first, last, _ in gaps)])
    place = 0
    for position, _, _ in rows_between(alias, -(2**63), high):
        while place < len(known) and known[place][1] < position:
            place += 1
        if place == len(known) or position < known[place][0]:
            detail = f"the event at position {position} was put among older ones"
            report.found("EVENT_INSERTED", "", None, detail)


def _merged(runs: list[Run]) -> list[Run]:
    merged: list[Run] = []
    for first, last in sorted(runs):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
