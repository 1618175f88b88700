"""Running one suite, on one tree, on one database, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from django_jazzauth.keys.secret import WorkerSecret

from .places import INSIDE, LOGS, RECORDS, SITE
from .suites import Suite
from .trees import Tree, tree_path

Database = Literal["sqlite", "postgres"]
DATABASES: tuple[Database, ...] = ("sqlite", "postgres")

# Ours to decide, and none of the caller's: what would change how the suites run.
_DROPPED = ("PYTEST_ADDOPTS", "PYTHONWARNINGS", "DJANGO_SETTINGS_MODULE", "DATABASE_URL")


@dataclass(frozen=True)
class Outcome:
    """How one test ended.

    Attributes:
        outcome: passed, expected failure, skipped, unexpected success or failed.
        detail: traceback, or why it was skipped.
    """

    outcome: str
    detail: str = ""

    @property
    def bad(self) -> bool:
        """Whether the suite's authors would call it a failure."""
        return self.outcome in ("failed", "unexpected success")


@dataclass(frozen=True)
class Run:
    """One finished run.

    Attributes:
        tests: outcomes by test id.
        seconds: how long it took.
        status: exit status of the suite's process.
        log: what it printed.
    """

    tests: dict[str, Outcome]
    seconds: float
    status: int
    log: Path


def run(suite: Suite, tree: Tree, database: Database, only: Sequence[str], processes: int) -> Run:
    """Run a suite and read its record.

    Args:
        suite: what to run.
        tree: on stock Django or with our models.
        database: which engine.
        only: labels or paths of single tests; empty for all.
        processes: how many test processes.
    """
    key = f"{suite.name}-{database}-{tree}"
    record, log = RECORDS / f"{key}.json", LOGS / f"{key}.log"
    for path in (record, log):
        path.parent.mkdir(parents=True, exist_ok=True)
    record.unlink(missing_ok=True)
    tested = tree_path(tree, suite.tested)
    started = time.monotonic()
    with log.open("wb") as output:
        done = subprocess.run(
            suite.build(tested, only, processes),
            cwd=tested / "tests" if suite.tested == "django" else tested,
            env=_environment(suite, tree, database, record),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    seconds = time.monotonic() - started
    tests: dict[str, Outcome] = {}
    if record.exists():
        noted = json.loads(record.read_text(encoding="utf-8"))["tests"]
        tests = {name: Outcome(**values) for name, values in noted.items()}
    return Run(tests, seconds, done.returncode, log)


def _environment(suite: Suite, tree: Tree, database: Database, record: Path) -> dict[str, str]:
    trees = [tree_path(tree, name) for name in suite.distributions]
    name = f"jazz_eco_{suite.name}_{tree}".replace("-", "_")
    return {
        **{key: value for key, value in os.environ.items() if key not in _DROPPED},
        "PYTHONPATH": os.pathsep.join(map(str, [*trees, INSIDE, SITE])),
        "JAZZ_ECOSYSTEM_DB": database,
        "JAZZ_ECOSYSTEM_DB_NAME": name,
        "JAZZ_ECOSYSTEM_RECORD": str(record),
        "JAZZ_ECOSYSTEM_SECRET": WorkerSecret.generate().to_text(),
    }
