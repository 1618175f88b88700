"""Verification: does the log still say what it said, and do the projections agree with it?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .models import Event as EventRecord
from .problems import Problem, Report
from .verify_keys import check_data_keys
from .verify_parallel import walk_in_processes, walk_streams
from .verify_rows import check_strays
from .verify_tree import check_tree

__all__ = ["Problem", "Progress", "Report", "verify"]

Progress = Callable[[int, int], None]


def verify(
    using: str = "default",
    progress: Progress | None = None,
    checkpoints: Sequence[str] = (),
    processes: int = 1,
) -> Report:
    """Check the whole log and every projection.

    Walks every stream: versions without gaps, the chain of digests, each payload's seal; every
    row: the head is the newest event, the columns are the head's, every living entity has one, and
    values that must be unique are; every data key; and the Merkle tree, against every checkpoint
    that the database has and those that are given. Memory does not grow with the log.

    Args:
        using: database alias.
        progress: called with the number of events read and their total.
        checkpoints: signed notes that were kept outside the database. Only they show that a whole
            stream, or the end of one, was cut off together with what the database says about it.
        processes: how many read and decrypt. More than one need an operating system that can fork,
            and no open transaction.

    Returns:
        A report that names every problem.

    Raises:
        StoreError: with ``processes``: a transaction is open, or one of them died.
        WrongWorkerSecret: this worker can open nothing here, so nothing can be said.
    """
    report = Report()
    total = EventRecord.objects.using(using).count() if progress else 0

    def done(events: int) -> None:
        if progress is not None:
            progress(events, max(total, events))

    if processes > 1:
        walk_in_processes(using, processes, report, done)
    else:
        walk_streams(using, ("", None), report, done)
    check_strays(using, report)
    check_data_keys(using, report)
    check_tree(using, checkpoints, report)
    return report
