"""The results as text: a table in the terminal, Markdown and JSON for ``docs/benchmarks/``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .cold import ColdStart
from .comparison import Comparison, Result, Times
from .disk import Disk
from .sides import OURS, STOCK

ENGINE_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

_HEADER = ("", "stock µs", "(p10–p90)", "ours µs", "(p10–p90)", "ours is", "by CPU", "SQL")


@dataclass
class Run:
    """Everything that one run found.

    Attributes:
        date: day of the run, ISO 8601.
        machine: what it ran on.
        slices: slices per side and operation.
        comparisons: per engine and size.
        disk, cold: one entry per side and engine.
        skipped: engine to the reason why it was left out.
    """

    date: str
    machine: dict[str, str]
    slices: int
    comparisons: list[Comparison] = field(default_factory=list)
    disk: list[Disk] = field(default_factory=list)
    cold: list[ColdStart] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def results(self) -> list[Result]:
        """The results of all comparisons."""
        return [result for comparison in self.comparisons for result in comparison.results]

    def as_json(self) -> str:
        """The whole run, in a form that other programs read."""
        document: dict[str, Any] = {
            "date": self.date,
            "machine": self.machine,
            "slices": self.slices,
            "unit": "microseconds per call unless named otherwise",
            "ratio": "median of ours / median of stock",
            "cpu_ratio": "the same of the processor time, without a database server's",
            "conditions": {c.engine: c.conditions for c in self.comparisons},
            "results": [result.as_json() for result in self.results],
            "memory": [
                {"engine": c.engine, "users": c.users, **c.memory} for c in self.comparisons
            ],
            "disk": [disk.as_json() for disk in self.disk],
            "cold_start_ms": [cold.as_json() for cold in self.cold],
            "skipped": list(self.skipped),
        }
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def faster(ratio: float) -> str:
    """A ratio in words: ``4.6× faster``, ``1.3× slower``."""
    if ratio <= 1:
        return f"{1 / ratio:.1f}× faster"
    return f"{ratio:.1f}× slower" if ratio >= 1.1 else f"{ratio:.2f}× slower"


def number(value: float) -> str:
    """A count of microseconds, with thousands set apart."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def row(result: Result) -> tuple[str, ...]:
    """A result as cells of the table."""
    return (
        result.title,
        number(result.stock.median),
        _spread(result.stock),
        number(result.ours.median),
        _spread(result.ours),
        faster(result.ratio),
        faster(result.cpu_ratio),
        f"{result.statements[STOCK]} / {result.statements[OURS]}",
    )


def line(result: Result) -> str:
    """A result as a line in the terminal."""
    title, *cells = row(result)
    return _columns([title, f"{result.users:,}", *cells])


def heading(engine: str) -> str:
    """What stands above the lines of one engine."""
    return f"\n{_columns([ENGINE_NAMES[engine], 'users', *_HEADER[1:]])}"


def _columns(cells: Sequence[str]) -> str:
    widths = (-30, 9, 9, -17, 9, -17, 13, 13, 9)
    return " ".join(
        cell.ljust(-width) if width < 0 else cell.rjust(width)
        for cell, width in zip(cells, widths, strict=True)
    ).rstrip()


def _spread(times: Times) -> str:
    return f"({number(times.p10)}–{number(times.p90)})"


def flatness(run: Run) -> list[tuple[str, str, float, float]]:
    """How times change with the size: per operation and engine, for stock and for ours.

    Returns:
        Title, engine, and for either side the median at the largest size divided by that at the
        smallest.
    """
    found = []
    by_operation: dict[tuple[str, str], list[Result]] = {}
    for result in run.results:
        by_operation.setdefault((result.engine, result.title), []).append(result)
    for (engine, title), results in by_operation.items():
        small = min(results, key=lambda result: result.users)
        large = max(results, key=lambda result: result.users)
        if small.users != large.users:
            found.append(
                (
                    title,
                    engine,
                    large.stock.median / small.stock.median,
                    large.ours.median / small.ours.median,
                )
            )
    return found


def closing(run: Run) -> str:
    """What the terminal shows after the comparisons."""
    return "\n".join(f"\n{title}\n{_plain(table)}" for title, table in _tables(run))


def markdown(run: Run, plot: str) -> str:
    """The page in ``docs/benchmarks/``.

    Args:
        run: the results.
        plot: file name of the plot, next to the page.
    """
    parts = [_INTRODUCTION.format(date=run.date, slices=run.slices, plot=plot)]
    parts.append(markdown_table([("", ""), *run.machine.items()]))
    for comparison in run.comparisons:
        parts.append(f"## {ENGINE_NAMES[comparison.engine]}, {comparison.users:,} users\n")
        parts.append(markdown_table([_HEADER, *(row(result) for result in comparison.results)]))
    for title, table in _tables(run):
        parts.append(f"## {title}\n")
        parts.append(markdown_table(table))
    return "\n".join(parts)


_Table = Sequence[Sequence[str]]


def _tables(run: Run) -> Iterable[tuple[str, _Table]]:
    flat = flatness(run)
    if flat:
        sizes = sorted({result.users for result in run.results})
        yield (
            f"Growth: time at {sizes[-1]:,} users ÷ time at {sizes[0]:,}",
            [
                ("", "engine", "stock", "ours"),
                *(
                    (title, ENGINE_NAMES[engine], f"{stock:.2f}", f"{ours:.2f}")
                    for title, engine, stock, ours in flat
                ),
            ],
        )
    if run.disk:
        yield (
            "Size on disk, bytes, indexes included",
            [
                ("", "user", "session", "sign-in adds", "of which stays in the log"),
                *(
                    (
                        f"{ENGINE_NAMES[disk.engine]}, {disk.side}",
                        f"{disk.per_user:,.0f}",
                        f"{disk.per_session:,.0f}",
                        f"{disk.per_login:,.0f}",
                        f"{disk.per_login_lasting:,.0f}",
                    )
                    for disk in run.disk
                ),
            ],
        )
        yield (
            "Size of a user by table, bytes",
            [
                ("", "table", "bytes"),
                *(
                    (f"{ENGINE_NAMES[disk.engine]}, {disk.side}", table, f"{size:,.0f}")
                    for disk in run.disk
                    for table, size in disk.per_user_tables.items()
                ),
            ],
        )
    if run.cold:
        yield (
            "Cold start",
            [
                ("", "process start to django.setup(), ms", "first query, ms", "memory, MiB"),
                *(
                    (
                        f"{ENGINE_NAMES[cold.engine]}, {cold.side}",
                        f"{cold.start:,.0f}",
                        f"{cold.query:,.1f}",
                        f"{cold.memory / 2**20:,.0f}",
                    )
                    for cold in run.cold
                ),
            ],
        )


def _plain(table: _Table) -> str:
    widths = [max(len(cells[place]) for cells in table) for place in range(len(table[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in table
    )


def markdown_table(table: _Table) -> str:
    """A table in Markdown; the first row is its header."""
    header, *rows = table
    lines = [
        "| " + " | ".join(header) + " |",
        "|" + "|".join(" --- " if not place else " ---: " for place in range(len(header))) + "|",
        *("| " + " | ".join(cells) + " |" for cells in rows),
    ]
    return "\n".join(lines) + "\n"


_INTRODUCTION = """\
# Benchmarks

Stock Django against django_jazzauth, measured on {date}. This page, the data behind it
(`results.json`) and the plot are written by `make bench`; run it to see your own machine.

![How much faster or slower each operation is]({plot})

## How it is measured

* Two worker processes run the same code (`benchmarks/operations.py`) on the same people. One has a
  plain user model with the same fields, key and unique indexes and Django's own session engine, the
  other has ours. Database, pragmas, middleware and password hasher are equal; hashing is left out.
* They are fed alternately, {slices} slices of about 20 ms each per operation, and who goes first
  alternates as well; the sizes take turns with each other in the same way. Given is the median
  over the slices, with the 10th and 90th percentile, per call. What else the machine does meets
  everybody, so on a busy machine the times are too long while the ratios of reads still hold.
  Those of writes do not where other programs keep the disk busy: a commit then waits the same
  long time on both sides, which hides the difference. *By CPU* compares the processor time of the
  two worker processes, which no waiting changes; a PostgreSQL server's own time is not in it.
* `get`, `session and user` and `list` without a remark read from the 1,000 people who are signed in
  at the moment, so that our memory of opened rows helps, as it does in a running site. *First read*
  is the opposite: what was remembered is dropped before every single call.
* `request.user` is what Django's session and authentication middleware do for a request, with
  the session's signature and hash checked; `session and user` is the models' part of it.
* `session and user` is one statement with ours, whose sessions know their user. Stock has to decode
  the session's data to learn whose it is, and then to ask for the user.
* By e-mail, stock reads `get(email=…)` through its unique index, ours `get(email__iexact=…)`
  through its own.
* `update of 500 rows`, `bulk_create of 500` and `delete of 500 rows` are times of the whole call.
* *SQL* is the number of statements, stock / ours (`executemany` counts once).

"""
