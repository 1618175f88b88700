"""What every test run needs: which database, which tests, and what was left out."""

from __future__ import annotations

import os
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.test import TransactionTestCase

from django_jazzauth.store.partitions import partition_log

# A machine that does other things, too, may be slow; that is not what the properties are about.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


PARTITIONS = int(os.environ.get("JAZZAUTH_TEST_PARTITIONS", "0"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-tests",
        action="store_true",
        help="run only tests that use the database: for the second and third engine",
    )


def pytest_report_header() -> str:
    database = settings.DATABASES["default"]
    partitions = f", {PARTITIONS} partitions" if PARTITIONS else ""
    pooled = ", pooled" if database.get("OPTIONS", {}).get("pool") else ""
    return f"database: {database['ENGINE'].rpartition('.')[2]}{partitions}{pooled}"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The test database; with ``JAZZAUTH_TEST_PARTITIONS=8`` its log is in so many partitions."""
    if PARTITIONS:
        with django_db_blocker.unblock():
            partition_log("default", PARTITIONS)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--database-tests"):
        return
    chosen = [item for item in items if _uses_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Before the closing line: what the whole run had to do without."""
    left_out = os.environ.get("JAZZAUTH_TEST_LEFT_OUT", "").splitlines()
    if left_out:
        terminalreporter.section("left out")
        for reason in left_out:
            terminalreporter.line(reason)


def _uses_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    case = getattr(item, "cls", None)
    return (
        item.get_closest_marker("django_db") is not None
        or not {"db", "transactional_db"}.isdisjoint(fixtures)
        or (case is not None and issubclass(case, TransactionTestCase))
    )
