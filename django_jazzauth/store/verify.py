"""Verification: does the log still say what it said, and do the projections agree with it?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .models import Event as EventRecord
from .problems import Problem, Report
from .verify_keys import check_data_keys
from .verify_rows import RowChecks, check_strays
from .verify_streams import Walk, pages
from .verify_tree import check_tree

__all__ = ["Problem", "Progress", "Report", "verify"]

Progress = Callable[[int, int], None]


def verify(
    using: str = "default",
    progress: Progress | None = None,
    checkpoints: Sequence[str] = (),
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

    Returns:
        A report that names every problem.

    Raises:
        WrongWorkerSecret: this worker can open nothing here, so nothing can be said.
    """
    report = Report()
    total = EventRecord.objects.using(using).count() if progress else 0
    walk, rows = Walk(using, report), RowChecks(using, report)
    for page in pages(using):
        for stream, newest in walk.page(page):
            rows.add(stream, newest)
        if progress is not None:
            progress(report.events, max(total, report.events))
    for stream, newest in walk.end():
        rows.add(stream, newest)
    rows.finish()
    check_strays(using, report)
    check_data_keys(using, report)
    check_tree(using, checkpoints, report)
    return report
