"""The project's user model, for code that every request runs through."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model

from .kept_settings import KeptSetting

_NAME = KeptSetting("AUTH_USER_MODEL")


def user_model() -> Any:
    """What ``get_user_model()`` gives, which asks the registry of apps each time."""
    return _model(_NAME.value)


@lru_cache(maxsize=8)
def _model(name: str) -> Any:
    return get_user_model()
