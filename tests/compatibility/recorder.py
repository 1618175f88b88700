"""A pytest plugin: writes down which recorded lines the tests of a run replay.

``pytest -p tests.compatibility.recorder``, with the name of a file in ``REPLAYED_LINES``.
"""

from __future__ import annotations

import json
import os
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

_replayed: set[tuple[str, int]] = set()


def _recording(play: Any) -> Any:
    @wraps(play)
    def recorded(self: Any, exchange: Any) -> Any:
        answer = play(self, exchange)
        _replayed.add((exchange.area, exchange.line))
        return answer

    return recorded


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Every class that replays is known now."""
    from ..api.transcripts import Replay  # it needs Django's settings

    for cls in (Replay, *Replay.__subclasses__()):
        if "play" in vars(cls):
            cls.play = _recording(vars(cls)["play"])  # type: ignore[method-assign]


def pytest_sessionfinish() -> None:
    """Leave the result where the caller looks for it."""
    Path(os.environ["REPLAYED_LINES"]).write_text(json.dumps(sorted(_replayed)))
