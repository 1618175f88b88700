"""Defaults of fields that a state is older than."""

from __future__ import annotations

from typing import Any

# What these make is the same whenever it is made.
_EMPTY_MAKERS = (list, dict, tuple, set, str, bytes, int, float, bool)


def has_stable_default(field: Any) -> bool:
    """Whether a state that is older than the field can be read as holding its default.

    ``timezone.now`` or ``uuid4`` would give another value at each reading; what a database default
    gave is known to the database only.
    """
    if field.has_db_default():
        return False
    if not field.has_default():
        return bool(field.null or field.empty_strings_allowed)
    return not callable(field.default) or field.default in _EMPTY_MAKERS
