"""What a run prints: a line for each suite and database, then what differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .comparing import Comparison

_HEADINGS = (
    "suite", "database", "tests", "stock failures", "our failures", "only ours", "unexplained",
    "seconds stock/ours",
)  # fmt: skip


def table(comparisons: Iterable[Comparison]) -> str:
    """The table of differences."""
    rows = [_HEADINGS, *map(_row, comparisons)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def _row(comparison: Comparison) -> tuple[str, ...]:
    stock, ours = comparison.stock, comparison.ours
    return (
        comparison.suite,
        comparison.database,
        str(len(ours.tests)),
        str(sum(test.bad for test in stock.tests.values())),
        str(sum(test.bad for test in ours.tests.values())),
        str(len(comparison.differences)),
        str(len(comparison.unexplained)),
        f"{stock.seconds:.0f}/{ours.seconds:.0f}",
    )


def details(comparison: Comparison) -> Iterator[str]:
    """Lines that say what is to be mended, and what is explained."""
    where = f"{comparison.suite} on {comparison.database}"
    for name, run in (("stock", comparison.stock), ("ours", comparison.ours)):
        if not run.tests:
            yield f"{where}: the run on {name} gave no tests; see {run.log}"
    for difference in comparison.differences:
        if difference.reason is None:
            last = difference.ours.detail.strip().splitlines()[-1:] or [""]
            yield f"{where}: {difference.test}"
            yield f"    {difference.stock.outcome} -> {difference.ours.outcome}: {last[0][:200]}"
        else:
            yield f"{where}: {difference.test} (explained: {difference.reason})"
    for skip in comparison.unneeded:
        yield f"{where}: the skip list's {skip.test!r} is not needed any more"
