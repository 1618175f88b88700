"""The order of a list that declares none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models.constants import LOOKUP_SEP

from ..management.secrecy import is_sealed


def plain_ordering(model: Any) -> Sequence[Any]:
    """The model's own order if it is one of plain columns; otherwise the newest key first.

    Sorting by a sealed field opens every head, which nobody asked for by opening a list.
    """
    ordering: Sequence[Any] = model._meta.ordering
    if ordering and not any(_is_sealed(model, one) for one in ordering):
        return ordering
    return ("-pk",)


def _is_sealed(model: Any, one: Any) -> bool:
    if not isinstance(one, str):
        return True  # an expression: what it reads is not known here
    for part in one.removeprefix("-").split(LOOKUP_SEP):
        if part == "pk":
            return False
        try:
            field = model._meta.get_field(part)
        except FieldDoesNotExist:
            return True
        if field.is_relation:
            model = field.related_model
    return is_sealed(field)
