"""Point reads: ``get()`` by a unique column, without building a query."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import connections

from ..drivers import fetch_one
from .binding import Binding, binding_of
from .load import row_loader
from .read_plan import read_plan

NOTHING_DEFERRED: tuple[frozenset[str], bool] = (frozenset(), True)


def point_get(queryset: Any, kwargs: dict[str, Any]) -> Any | None:
    """The instance that ``get(**kwargs)`` would give, or None if it is no point read.

    ``select_related()`` of one foreign key to another event-sourced model is read along, in the
    same query.

    Args:
        queryset: an event-sourced queryset.
        kwargs: one condition.

    Raises:
        Model.DoesNotExist: it is a point read, and there is no such row.
    """
    if not _pristine(queryset):
        return None
    model = queryset.model
    binding = binding_of(model)
    if binding is None or binding.model._meta.parents:
        return None
    relation = None
    if queryset.query.select_related:
        relation = _relation(binding, queryset.query.select_related)
        if relation is None:
            return None
    ((name, value),) = kwargs.items()
    alias = queryset.db
    connection = connections[alias]
    plan = read_plan(binding, connection, relation)
    column = plan.columns.get(name)
    if column is None or value is None or hasattr(value, "resolve_expression"):
        return None
    try:
        params = column.params(binding, alias, value)
    except (TypeError, ValueError, ValidationError):
        return None
    row = fetch_one(connection, column.sql(len(params)), params, plan.binary)
    if row is None:
        raise model.DoesNotExist(f"{model._meta.object_name} matching query does not exist.")
    width = len(plan.names)
    load = row_loader(model, alias, plan.names, plan.converter(connection))
    found = load(row[:width])
    if relation is not None and plan.related is not None:
        related = plan.related
        key = getattr(found, relation.attname)
        if key is None:
            relation.set_cached_value(found, None)
        elif any(value is not None for value in row[width:]):
            load = row_loader(
                relation.remote_field.model, alias, related.names, related.converter(connection)
            )
            relation.set_cached_value(found, load(row[width:]))
    return found


def _relation(binding: Binding, select_related: Any) -> Any | None:
    """The foreign key that ``select_related()`` names, if a point read can follow it."""
    if not isinstance(select_related, dict) or len(select_related) != 1:
        return None
    ((name, deeper),) = select_related.items()
    try:
        field = binding.model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    if deeper or not field.concrete or not field.many_to_one:
        return None
    target = binding_of(field.remote_field.model)
    return None if target is None or target.model._meta.parents else field


def _pristine(queryset: Any) -> bool:
    query = queryset.query
    return not (
        query.where.children
        or query.annotations
        or query.combinator
        or query.is_sliced
        or query.distinct
        or query.extra
        or query.select_for_update
        or query.explain_info
        or query.deferred_loading != NOTHING_DEFERRED
        or queryset._fields is not None
        or queryset._prefetch_related_lookups
        or queryset._known_related_objects
        or queryset._iterable_class is not queryset.model_iterable
    )
