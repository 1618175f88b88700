"""Every test here runs with sessions without a row."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from .browser import switch_on


@pytest.fixture(autouse=True)
def stateless(captured_server: None, settings: Any) -> None:
    cache.clear()
    switch_on(settings)
