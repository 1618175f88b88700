"""``docs/queryset.md`` says of every method and lookup what really happens."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.models import CharField, QuerySet

from .lookup_probes import EXPRESSIONS, LOOKUPS, OTHER_TYPES
from .method_probes import METHODS, NO_QUERY
from .probes import COLUMNS, Probe, make_rows
from .queryset_table import DOCUMENT, SCAN, outcome, settings_for_probes, tables, with_tables

_RENEW = "Run `python -m tests.docs --write` and look at what it changed."


@pytest.fixture
def rows(db: None) -> Iterator[None]:
    make_rows()
    with settings_for_probes():
        yield


def test_the_tables_are_up_to_date(rows: None) -> None:
    document = DOCUMENT.read_text()
    assert with_tables(document, tables(document, connection.vendor)) == document, _RENEW


@pytest.mark.parametrize("probe", [p for p in METHODS if p.twin], ids=lambda p: p.shown)
def test_async_twins_do_the_same(rows: None, probe: Probe) -> None:
    for field in COLUMNS:
        assert outcome(probe, field, in_async=True) == outcome(probe, field)


def test_every_method_has_a_line() -> None:
    public = {name for name in dir(QuerySet) if not name.startswith("_")} - NO_QUERY
    covered = {probe.name for probe in METHODS}
    twins = {f"a{probe.name}" for probe in METHODS if probe.twin}
    assert public == covered | twins


def test_every_lookup_has_a_line() -> None:
    assert set(CharField.get_lookups()) == {probe.name for probe in LOOKUPS}


def test_a_scan_says_so_in_the_log(rows: None, caplog: pytest.LogCaptureFixture) -> None:
    scanning = [probe for probe in LOOKUPS if outcome(probe, "name") == SCAN]
    assert scanning
    for probe in scanning:
        caplog.clear()
        with caplog.at_level(logging.WARNING, "django_jazzauth.sealed"):
            outcome(probe, "name")
        assert caplog.records, probe.shown


@pytest.mark.parametrize(
    "probe", [*METHODS, *LOOKUPS, *OTHER_TYPES, *EXPRESSIONS], ids=lambda p: p.shown
)
def test_no_answer_is_wrong(rows: None, probe: Probe) -> None:
    if probe.vendor not in (None, connection.vendor):
        pytest.skip(f"{probe.vendor} only")
    for field in ("name",) if probe in OTHER_TYPES else COLUMNS:
        outcome(probe, field)
