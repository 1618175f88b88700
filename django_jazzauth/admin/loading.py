"""Loading rows when some of them may be broken."""

from __future__ import annotations

from typing import Any

from ..errors import SealBroken


def load_sound(queryset: Any) -> tuple[list[Any], list[SealBroken]]:
    """The instances of a queryset, and the errors of those that do not load.

    Costs nothing more as long as all is well. Otherwise the rows are loaded in ever smaller groups
    until the broken ones stand alone.

    Args:
        queryset: of an event-sourced model; may be sliced.
    """
    try:
        return list(queryset), []
    except SealBroken:
        keys = list(queryset.values_list("pk", flat=True))
    base = unsliced(queryset)
    broken: list[SealBroken] = []
    found = {instance.pk: instance for instance in _load(base, keys, broken)}
    return [found[key] for key in keys if key in found], broken


def unsliced(queryset: Any) -> Any:
    """The queryset without its slice: the page's rows can then be asked for by key."""
    whole = queryset.all()
    whole.query.clear_limits()
    return whole


def _load(base: Any, keys: list[Any], broken: list[SealBroken]) -> list[Any]:
    if not keys:
        return []
    try:
        return list(base.filter(pk__in=keys))
    except SealBroken as error:
        if len(keys) == 1:
            broken.append(error)
            return []
    middle = len(keys) // 2
    return [*_load(base, keys[:middle], broken), *_load(base, keys[middle:], broken)]
