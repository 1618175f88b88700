"""Which columns of the database hold a model's searchable values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connections

from ..store.registry import IndexedColumn
from .binding import Binding


def indexed_columns(binding: Binding, alias: str) -> list[IndexedColumn]:
    """The searchable columns of a model's own table, with those of foreign keys to them."""
    quote = connections[alias].ops.quote_name
    found = []
    folded = {field.source: field for field in binding.folded}
    fields = [
        (source, key, field)
        for source in binding.sealed
        if source.searchable
        for key, field in ((source.name, source), (f"{source.name}:folded", folded.get(source)))
        if field is not None
    ]
    for source, key, field in fields:
        places = {
            (quote(each.model._meta.db_table), quote(each.column)): None
            for each in (field, *_pointing_at(field))
        }
        found.append(IndexedColumn(binding.entity, key, source.name, tuple(places)))
    return found


def _pointing_at(field: Any) -> Iterator[Any]:
    """Foreign keys that hold this field's values, and so on."""
    for relation in field.model._meta.get_fields(include_hidden=True):
        if relation.concrete or not (relation.one_to_many or relation.one_to_one):
            continue
        other = getattr(relation, "field", None)
        if other is None or not other.concrete or getattr(other, "target_field", None) is not field:
            continue
        if other.model._meta.managed:  # otherwise it may be a view on the column itself
            yield other
            yield from _pointing_at(other)
