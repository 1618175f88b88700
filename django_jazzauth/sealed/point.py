"""Point reads: ``get()`` by a unique column, without building a query."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import connections, router

from ..drivers import fetch_one
from .binding import Binding, binding_of, require_binding
from .load import load_row
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
    return _read(binding, model, queryset.db, name, value, relation)


def point_read(model: Any, name: str, value: Any, *, along: str | None = None) -> Any:
    """What ``model._default_manager.get(**{name: value})`` does.

    For reads that every request makes: not even a queryset is built.

    Args:
        model: an event-sourced model.
        name: its primary key, or a unique searchable field.
        value: what that is.
        along: a foreign key to another event-sourced model, to read as ``select_related()`` does.

    Raises:
        Model.DoesNotExist: there is no such row.
    """
    binding = require_binding(model)
    relation = None if along is None else model._meta.get_field(along)
    found = _read(binding, model, router.db_for_read(model), name, value, relation)
    if found is not None:
        return found
    # Not to be found by one comparison: the queryset knows why.
    rows = model._default_manager if along is None else model._default_manager.select_related(along)
    return rows.get(**{name: value})


def _read(
    binding: Binding, model: Any, alias: str, name: str, value: Any, relation: Any
) -> Any | None:
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
    found = load_row(model, connection, plan.names, plan.convert, row[:width])
    if relation is not None and plan.related is not None:
        related = plan.related
        if getattr(found, relation.attname) is None:
            relation.set_cached_value(found, None)
        elif row[width:].count(None) < len(related.names):
            target = relation.remote_field.model
            along = load_row(target, connection, related.names, related.convert, row[width:])
            relation.set_cached_value(found, along)
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
