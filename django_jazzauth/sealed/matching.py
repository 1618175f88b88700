"""Lookups decided in Python, on opened values."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..errors import ScanRefused
from ..folding import fold_text


def _folded(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: test(fold_text(str(left)), fold_text(str(right)))


def _text(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: test(str(left), str(right))


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "exact": lambda left, right: bool(left == right),
    "iexact": _folded(lambda left, right: left == right),
    "contains": _text(lambda left, right: right in left),
    "icontains": _folded(lambda left, right: right in left),
    "startswith": _text(str.startswith),
    "istartswith": _folded(str.startswith),
    "endswith": _text(str.endswith),
    "iendswith": _folded(str.endswith),
    "regex": _text(lambda left, right: re.search(right, left) is not None),
    "iregex": _text(lambda left, right: re.search(right, left, re.IGNORECASE) is not None),
    "gt": lambda left, right: bool(left > right),
    "gte": lambda left, right: bool(left >= right),
    "lt": lambda left, right: bool(left < right),
    "lte": lambda left, right: bool(left <= right),
    "in": lambda left, right: left in right,
    "range": lambda left, right: bool(right[0] <= left <= right[1]),
}

LOOKUPS = tuple(_TESTS)


def match(lookup: str, left: Any, right: Any) -> bool:
    """Whether ``left`` meets the lookup, with SQL's rule that NULL meets nothing.

    Args:
        lookup: a name such as ``icontains``.
        left: the opened value.
        right: what it is compared with.

    Raises:
        ScanRefused: the lookup has no meaning on opened values.
    """
    if lookup == "isnull":
        return (left is None) == bool(right)
    if left is None or right is None:
        return lookup == "exact" and left is None and right is None
    test = _TESTS.get(lookup)
    if test is None:
        raise ScanRefused(f"The lookup {lookup!r} cannot be answered on a sealed field.")
    if lookup == "range" and None in right:
        return False
    try:
        return test(left, right)
    except TypeError:  # values of different kinds are neither equal nor in order
        return False
