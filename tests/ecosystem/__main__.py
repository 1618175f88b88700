"""``python -m tests.ecosystem``: run other projects' tests on stock Django and on ours, compare."""

from __future__ import annotations

import argparse
import fcntl
import json
import platform
import sys
from collections.abc import Sequence
from typing import cast

from .comparing import Comparison, compare, read_skips
from .fetch import install_requirements, read_pins
from .places import RESULTS, VAR
from .report import details, table
from .running import DATABASES, Database, Run, run
from .suites import SUITES, Suite
from .trees import TREE_NAMES, prepare


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; the exit status says whether anything is unexplained."""
    options = _parser().parse_args(arguments)
    chosen = [
        suite
        for suite in SUITES.values()
        if (suite.name in options.suite if options.suite else suite.default)
        and (suite.fast or not options.fast)
    ]
    databases = cast("list[Database]", options.database or list(DATABASES))
    VAR.mkdir(parents=True, exist_ok=True)
    with (VAR / "lock").open("w") as lock:
        # Two runs at once would rebuild the trees under each other.
        fcntl.flock(lock, fcntl.LOCK_EX)
        _prepare(chosen)
        comparisons = [
            _compare(suite, database, options.only, options.parallel)
            for suite in chosen
            for database in databases
        ]
    _write(comparisons)
    print(f"\n{table(comparisons)}\n")
    for comparison in comparisons:
        for line in details(comparison):
            print(line)
    failed = [comparison for comparison in comparisons if not comparison.acceptable]
    print(f"{len(comparisons) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.ecosystem", description=__doc__)
    parser.add_argument("--suite", action="append", choices=list(SUITES), help="repeatable")
    parser.add_argument("--db", action="append", choices=DATABASES, dest="database")
    parser.add_argument("--fast", action="store_true", help="auth_tests and sessions_tests only")
    parser.add_argument("--parallel", type=int, default=1, metavar="N", help="test processes")
    parser.add_argument(
        "only", nargs="*", help="single tests, as the suite's own runner names them"
    )
    return parser


def _prepare(suites: Sequence[Suite]) -> None:
    pins = read_pins()
    install_requirements()
    for name in sorted({name for suite in suites for name in suite.distributions}):
        for tree in TREE_NAMES:
            prepare(tree, pins[name])


def _compare(suite: Suite, database: Database, only: Sequence[str], processes: int) -> Comparison:
    runs: dict[str, Run] = {}
    for tree in TREE_NAMES:
        print(f"{suite.name} on {database}, {tree} …", end=" ", flush=True)
        runs[tree] = made = run(suite, tree, database, only, processes)
        bad = sum(test.bad for test in made.tests.values())
        print(f"{len(made.tests)} tests, {bad} failures, {made.seconds:.0f} s", flush=True)
    return compare(suite.name, database, runs["stock"], runs["ours"], read_skips(), whole=not only)


def _write(comparisons: Sequence[Comparison]) -> None:
    pins = {pin.requirement: pin.version for pin in read_pins().values()}
    results = {
        "python": platform.python_version(),
        "versions": pins,
        "comparisons": [comparison.as_json() for comparison in comparisons],
    }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
