"""Every recorded HTTP line is replayed by a test, or stands in the table of those that are not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .unmatched import UNMATCHED, areas, http_lines, reason

_REPLAYS = re.compile(r"^from [\w.]*(transcripts|replaying) import ", re.MULTILINE)
# One run of the tests that replay is enough for all of these.
pytestmark = pytest.mark.xdist_group("compatibility")
TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, int]]:
    """What the tests that replay do replay, when they are run: none of them may fail."""
    assert "REPLAYED_LINES" not in os.environ, "this run is one of those that are watched"
    file = tmp_path_factory.mktemp("replayed") / "lines.json"
    modules = sorted(
        path
        for path in TESTS.rglob("test_*.py")
        if _REPLAYS.search(path.read_text(encoding="utf-8"))
    )
    assert len(modules) >= 5
    inherited = {name: value for name, value in os.environ.items() if "JAZZAUTH_TEST" not in name}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "tests.compatibility.recorder"),
            *("-p", "no:cacheprovider", "-p", "no:xdist", *map(str, modules)),
        ],
        cwd=TESTS.parent,
        env={**inherited, "REPLAYED_LINES": str(file)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return {(area, line) for area, line in json.loads(file.read_text())}


@pytest.mark.parametrize("name", areas())
def test_every_line_is_replayed_or_named(name: str, replayed: set[tuple[str, int]]) -> None:
    forgotten = [
        f"{exchange.line}: {exchange.flow} / {exchange.step}"
        for exchange in http_lines(name)
        if (name, exchange.line) not in replayed and reason(exchange) is None
    ]
    assert forgotten == []


@pytest.mark.parametrize("name", areas())
def test_nothing_is_named_that_is_replayed(name: str, replayed: set[tuple[str, int]]) -> None:
    matched = [
        f"{exchange.line}: {exchange.flow} / {exchange.step}"
        for exchange in http_lines(name)
        if (name, exchange.line) in replayed and reason(exchange) is not None
    ]
    assert matched == []


def test_the_table_names_lines_that_there_are() -> None:
    lines = [exchange for name in areas() for exchange in http_lines(name)]
    for entry in UNMATCHED:
        assert {e.step for e in lines if entry.matches(e)} == set(entry.steps)
