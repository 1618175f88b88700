"""A pytest plugin that writes down every outcome; with xdist, in the process that has them all."""

from __future__ import annotations

from typing import Any

from jazz_ecosystem_record import Record

_record = Record()


def pytest_runtest_logreport(report: Any) -> None:
    """Each test reports three times: setup, call, teardown."""
    if hasattr(report, "wasxfail"):
        outcome = "expected failure" if report.skipped else "unexpected success"
        if report.failed:
            outcome = "failed"
    else:
        outcome = report.outcome
    if report.when != "call" and outcome == "passed":
        return
    detail = str(report.longrepr) if report.longrepr else ""
    _record.note(report.nodeid, outcome, detail)


def pytest_collectreport(report: Any) -> None:
    """A module that cannot be imported has failed as a whole."""
    if report.failed:
        _record.note(f"collecting {report.nodeid}", "failed", str(report.longrepr))


def pytest_sessionfinish(session: Any) -> None:
    """Write the record, unless this is a worker of another process's run."""
    if not hasattr(session.config, "workerinput"):
        _record.write()
