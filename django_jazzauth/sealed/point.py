"""Point reads: ``get()`` by a unique column, without building a query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models.query import ModelIterable

from .binding import Binding, binding_of
from .codec import field_codec_of
from .kinds import FoldedKind, SealedKind
from .load import load_raw
from .projection import pk_param

_NOTHING_DEFERRED: tuple[frozenset[str], bool] = (frozenset(), True)


def point_get(queryset: Any, kwargs: dict[str, Any]) -> Any | None:
    """The instance that ``get(**kwargs)`` would give, or None if it is no point read.

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
    ((name, value),) = kwargs.items()
    alias = queryset.db
    connection = connections[alias]
    plan = _plan(binding, connection)
    column = plan.columns.get(name)
    if column is None or value is None or hasattr(value, "resolve_expression"):
        return None
    try:
        params = column.params(binding, alias, value)
    except (TypeError, ValueError, ValidationError):
        return None
    marks = ", ".join(["%s"] * len(params))
    sql = f"{plan.select} WHERE {column.quoted} IN ({marks})" if len(params) != 1 else column.sql
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    if row is None:
        raise model.DoesNotExist(f"{model._meta.object_name} matching query does not exist.")
    return load_raw(model, alias, plan.names, row, plan.converter(connection))


def _pristine(queryset: Any) -> bool:
    query = queryset.query
    return not (
        query.where.children
        or query.annotations
        or query.combinator
        or query.is_sliced
        or query.distinct
        or query.select_related
        or query.extra
        or query.select_for_update
        or query.explain_info
        or query.deferred_loading != _NOTHING_DEFERRED
        or queryset._fields is not None
        or queryset._prefetch_related_lookups
        or queryset._known_related_objects
        or queryset._iterable_class is not ModelIterable
    )


class _Column:
    """A unique column that a point read can go by."""

    def __init__(self, field: Any, quoted: str, select: str) -> None:
        self.field = field
        self.quoted = quoted
        self.sql = f"{select} WHERE {quoted} = %s"

    def params(self, binding: Binding, alias: str, value: Any) -> list[Any]:
        """The column's values for ``value``: one per live generation of the index key."""
        if isinstance(self.field, FoldedKind):
            if not isinstance(value, str) or not value:
                raise TypeError
            return self.field.column_values(value, alias)  # type: ignore[attr-defined,no-any-return]
        if isinstance(self.field, SealedKind):
            primitive = field_codec_of(self.field).encode(value)
            return self.field.column_values(primitive, alias)  # type: ignore[attr-defined,no-any-return]
        if not isinstance(value, int | str | bytes) and type(value).__name__ != "UUID":
            raise TypeError
        return [pk_param(binding, connections[alias], value)]


class _Plan:
    """The prepared SELECT of a model on one kind of database."""

    def __init__(self, binding: Binding, connection: Any) -> None:
        meta = binding.model._meta
        quote = connection.ops.quote_name
        fields = meta.concrete_fields
        columns = ", ".join(quote(field.column) for field in fields)
        self.names = tuple(field.attname for field in fields)
        self.select = f"SELECT {columns} FROM {quote(meta.db_table)}"  # noqa: S608 - quoted names
        self.columns: dict[str, _Column] = {}
        for field in fields:
            column = _Column(field, quote(field.column), self.select)
            if field.primary_key:
                self.columns.update({"pk": column, field.name: column, field.attname: column})
            elif field.unique and isinstance(field, SealedKind):
                self.columns[field.name] = column
            elif field.unique and isinstance(field, FoldedKind):
                self.columns[f"{field.source.name}__iexact"] = column
        self._plain = [
            (index, field.get_col(meta.db_table))
            for index, field in enumerate(fields)
            if not isinstance(field, SealedKind)
        ]

    def converter(self, connection: Any) -> Callable[[Sequence[Any]], list[Any]]:
        """A function that makes of a row what a queryset's converters would make of it."""

        def convert(row: Sequence[Any]) -> list[Any]:
            values = list(row)
            for index, expression in self._plain:
                for converter in [
                    *connection.ops.get_db_converters(expression),
                    *expression.get_db_converters(connection),
                ]:
                    values[index] = converter(values[index], expression, connection)
            return values

        return convert


def _plan(binding: Binding, connection: Any) -> _Plan:
    plans: dict[str, _Plan] = binding.__dict__.setdefault("point_plans", {})
    plan = plans.get(connection.vendor)
    if plan is None:
        plan = plans[connection.vendor] = _Plan(binding, connection)
    return plan


def converted_rows(binding: Binding, alias: str) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Every row of a table with its columns' names, converted but not opened.

    Args:
        binding: the model.
        alias: database alias.
    """
    connection = connections[alias]
    plan = _plan(binding, connection)
    convert = plan.converter(connection)
    with connection.chunked_cursor() as cursor:
        cursor.execute(plan.select)
        while rows := cursor.fetchmany(500):
            for row in rows:
                yield plan.names, convert(row)
