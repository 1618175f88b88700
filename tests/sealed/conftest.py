"""Fixtures of the tests of sealed models."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from django_jazzauth.store import registry


@pytest.fixture
def registered() -> Iterator[None]:
    """Models that a test defines are known to the store until its end."""
    known = dict(registry._projectors)
    yield
    registry._projectors.clear()
    registry._projectors.update(known)
