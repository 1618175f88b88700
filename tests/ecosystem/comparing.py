"""Comparing a run with our models to the same run on stock Django."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .places import HERE
from .running import Outcome, Run

MISSING = Outcome("did not run")


class SkipListError(Exception):
    """The skip list is not as it should be."""


@dataclass(frozen=True)
class Skip:
    """An explained difference.

    Attributes:
        suite, database: where it holds, ``*`` for everywhere.
        test: pattern over test ids.
        reason: why it is right.
        by_chance: the test may pass as well, so that an entry which explains nothing is not stale.
    """

    suite: str
    database: str
    test: str
    reason: str
    by_chance: bool = False

    def covers(self, suite: str, database: str, test: str) -> bool:
        """Whether it explains a difference of this test there."""
        return (
            self.suite in ("*", suite)
            and self.database in ("*", database)
            and fnmatchcase(test, self.test)
        )


@dataclass(frozen=True)
class Difference:
    """A test that does worse with our models, and the entry that explains it, if any."""

    test: str
    stock: Outcome
    ours: Outcome
    reason: str | None = None


@dataclass
class Comparison:
    """The two runs of a suite on a database.

    Attributes:
        suite, database: which.
        stock, ours: the runs.
        differences: tests that passed, or were skipped, on stock Django and did worse with ours.
        unneeded: entries of the skip list for this place that explained nothing.
    """

    suite: str
    database: str
    stock: Run
    ours: Run
    differences: list[Difference] = field(default_factory=list)
    unneeded: list[Skip] = field(default_factory=list)

    @property
    def unexplained(self) -> list[Difference]:
        """Differences that no entry explains."""
        return [difference for difference in self.differences if difference.reason is None]

    @property
    def broken(self) -> bool:
        """Whether a run gave no tests at all, so that nothing was compared."""
        return not self.stock.tests or not self.ours.tests

    @property
    def acceptable(self) -> bool:
        """Whether there is nothing to mend."""
        return not self.broken and not self.unexplained and not self.unneeded

    def as_json(self) -> dict[str, Any]:
        """For results.json."""
        return {
            "suite": self.suite,
            "database": self.database,
            "stock": _counts(self.stock),
            "ours": _counts(self.ours),
            "differences": [
                {
                    "test": difference.test,
                    "stock": difference.stock.outcome,
                    "ours": difference.ours.outcome,
                    "reason": difference.reason,
                    "detail": difference.ours.detail,
                }
                for difference in self.differences
            ],
            "unneeded skips": [skip.test for skip in self.unneeded],
        }


def read_skips(path: Path = HERE / "skips.toml") -> list[Skip]:
    """The skip list.

    Raises:
        SkipListError: an entry has no reason, or other keys than it should.
    """
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("skip", [])
    try:
        skips = [Skip(**entry) for entry in entries]
    except TypeError as error:
        raise SkipListError(f"{path.name}: {error}") from error
    for skip in skips:
        if not skip.reason.strip():
            raise SkipListError(f"{path.name}: {skip.test} has no reason")
    return skips


def compare(
    suite: str, database: str, stock: Run, ours: Run, skips: list[Skip], *, whole: bool
) -> Comparison:
    """Find the tests that do worse with our models.

    Args:
        suite, database: which runs these are.
        stock, ours: the runs.
        skips: the skip list.
        whole: all tests of the suite ran, so that an entry which explains nothing is stale.
    """
    here = [skip for skip in skips if suite == skip.suite or skip.suite == "*"]
    used: set[Skip] = set()
    found = Comparison(suite, database, stock, ours)
    for test in sorted({*stock.tests, *ours.tests}):
        before, after = stock.tests.get(test, MISSING), ours.tests.get(test, MISSING)
        if not _worse(before, after):
            continue
        entry = next((skip for skip in here if skip.covers(suite, database, test)), None)
        if entry is not None:
            used.add(entry)
        reason = None if entry is None else entry.reason
        found.differences.append(Difference(test, before, after, reason))
    if whole and not found.broken:
        found.unneeded = [
            skip
            for skip in here
            if skip not in used
            and not skip.by_chance
            and skip.suite == suite
            and skip.database in ("*", database)
        ]
    return found


def _worse(stock: Outcome, ours: Outcome) -> bool:
    if stock.bad:
        return False
    if ours.bad:
        return True
    # A test that no longer runs is as little proof as one that fails.
    return stock.outcome == "passed" and ours.outcome != "passed"


def _counts(run: Run) -> dict[str, Any]:
    outcomes = [test.outcome for test in run.tests.values()]
    return {
        "tests": len(outcomes),
        "failures": sum(test.bad for test in run.tests.values()),
        "skipped": outcomes.count("skipped"),
        "seconds": round(run.seconds, 1),
        "status": run.status,
    }
