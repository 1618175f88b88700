"""``save(expected_version=n)`` of an entity that is gone."""

from __future__ import annotations

from typing import Any

from ..errors import ConcurrentUpdate


def refuse_expectation(instance: Any) -> bool:
    """Say that there is no row, unless ``save(expected_version=n)`` expects one.

    Raises:
        ConcurrentUpdate: it does.
    """
    expected = instance._state.__dict__.get("sealed_expected_version")
    if expected:
        raise ConcurrentUpdate(f"The entity is gone; version {expected} of it was expected.")
    return False
