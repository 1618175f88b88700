"""The captured server, with the plugins of the test settings."""

from __future__ import annotations

import json

import pytest

from tests.api.conftest import Api, api, captured_server
from tests.api.transcripts import FOLDER
from tests.openapi.honesty import honest

__all__ = ["Api", "api", "captured_server", "honest"]


@pytest.fixture
def codes() -> dict[str, dict[str, str]]:
    """Better Auth's error codes with their texts, by plugin."""
    found: dict[str, dict[str, str]] = json.loads((FOLDER.parent / "error-codes.json").read_text())
    return found
