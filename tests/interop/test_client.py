"""The official client's own flows, each a test, against a real server with its own database."""

from __future__ import annotations

import pytest

from .conftest import Run, node_is_ready
from .run import listed

pytestmark = [
    pytest.mark.skipif(not node_is_ready(), reason="needs Node and `npm ci` in tests/interop"),
    pytest.mark.xdist_group("interop"),
]


@pytest.mark.parametrize("flow", listed())
def test_flow(sqlite_run: Run, flow: str) -> None:
    outcome = sqlite_run.outcomes[flow]
    assert outcome.passed, outcome.error


def test_every_flow_is_reported(sqlite_run: Run) -> None:
    names = listed()
    assert len(names) == len(set(names)) > 40
    assert set(sqlite_run.outcomes) == set(names)
