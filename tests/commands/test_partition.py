"""``jazzauth partition`` asks before it starts."""

from __future__ import annotations

import io
from typing import Any

import pytest

from .conftest import Run


def test_without_somebody_to_ask_nothing_is_changed(
    jazzauth: Run, ana: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    ran = jazzauth("partition", "--count", "4")
    assert ran.status == 1
    assert "use --no-input. Nothing changed." in ran.failed
