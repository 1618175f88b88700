"""The record of a run: one outcome for each test id, written as JSON when the run ends."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

# A later report replaces an earlier one only if it is worse: a test that passed and whose
# teardown broke has failed.
_RANK = {"passed": 0, "expected failure": 0, "skipped": 1, "unexpected success": 2, "failed": 3}


class Record:
    """Outcomes by test id."""

    def __init__(self) -> None:
        self.tests: dict[str, dict[str, Any]] = {}

    def note(self, test: str, outcome: str, detail: str = "") -> None:
        """Take down an outcome.

        Args:
            test: id of the test.
            outcome: passed, expected failure, skipped, unexpected success or failed.
            detail: the traceback, or why it was skipped.
        """
        known = self.tests.get(test)
        if known is None or _RANK[outcome] > _RANK[known["outcome"]]:
            self.tests[test] = {"outcome": outcome, "detail": detail}

    def write(self) -> None:
        """Write it to where the runner looks for it."""
        path = Path(os.environ["JAZZ_ECOSYSTEM_RECORD"])
        path.write_text(json.dumps({"tests": self.tests}), encoding="utf-8")
