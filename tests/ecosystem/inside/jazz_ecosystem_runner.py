"""Django's test runner, which also writes down every outcome."""

from __future__ import annotations

import unittest
from typing import Any

from django.test.runner import DiscoverRunner
from jazz_ecosystem_record import Record


class RecordingResult(unittest.TextTestResult):
    """unittest's result; with several processes Django replays the events of all of them here."""

    record = Record()

    def addSuccess(self, test: Any) -> None:
        super().addSuccess(test)
        self.record.note(test.id(), "passed")

    def addError(self, test: Any, err: Any) -> None:
        super().addError(test, err)
        self.record.note(test.id(), "failed", self.errors[-1][1])

    def addFailure(self, test: Any, err: Any) -> None:
        super().addFailure(test, err)
        self.record.note(test.id(), "failed", self.failures[-1][1])

    def addSkip(self, test: Any, reason: str) -> None:
        super().addSkip(test, reason)
        self.record.note(test.id(), "skipped", reason)

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        super().addExpectedFailure(test, err)
        self.record.note(test.id(), "expected failure")

    def addUnexpectedSuccess(self, test: Any) -> None:
        super().addUnexpectedSuccess(test)
        self.record.note(test.id(), "unexpected success")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        before = len(self.errors), len(self.failures)
        super().addSubTest(test, subtest, err)
        if err is None:
            return
        broken = self.errors if len(self.errors) > before[0] else self.failures
        self.record.note(test.id(), "failed", f"{subtest.id()}\n{broken[-1][1]}")


class RecordingRunner(DiscoverRunner):
    """Django's runner with the result class above."""

    def get_resultclass(self) -> Any:
        return RecordingResult

    def run_suite(self, suite: Any, **kwargs: Any) -> Any:
        try:
            return super().run_suite(suite, **kwargs)
        finally:
            RecordingResult.record.write()
