"""How whole rows of an event-sourced model are read: prepared SQL and converters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connections

from .binding import Binding, require_binding
from .codec import field_codec_of
from .current_head import INTEGERS, current_head_sql, final_key, is_copy
from .head_field import HeadField
from .kinds import FoldedKind, SealedKind
from .projection import pk_param

_KNOWN_TYPES = INTEGERS | {
    "BooleanField",
    "CharField",
    "DateField",
    "DateTimeField",
    "EmailField",
    "SlugField",
    "TextField",
    "TimeField",
    "URLField",
    "UUIDField",
}


_BOOLEANS = {0: False, 1: True}

_Conversion = tuple[int, Any, list[Any], Callable[[Any], Any] | None]
"""Place of a column, its expression and converters; one function that does what these would."""


class _Column:
    """A unique column that a point read can go by."""

    def __init__(self, field: Any, quoted: str, select: str) -> None:
        self.field = field
        self._select = select
        self._quoted = quoted
        self._sql = f"{select} WHERE {quoted} = %s"

    def sql(self, count: int) -> str:
        """The SELECT by ``count`` values of the column."""
        if count == 1:
            return self._sql
        return f"{self._select} WHERE {self._quoted} IN ({', '.join(['%s'] * count)})"

    def params(self, binding: Binding, alias: str, value: Any) -> list[Any]:
        """The column's values for ``value``: one per live generation of the index key."""
        if isinstance(self.field, FoldedKind):
            if not isinstance(value, str) or not value:
                raise TypeError
            return self.field.sought_values(value, alias)  # type: ignore[attr-defined,no-any-return]
        if isinstance(self.field, SealedKind):
            primitive = field_codec_of(self.field).encode(value)
            return self.field.sought_values(primitive, alias)  # type: ignore[attr-defined,no-any-return]
        if not isinstance(value, int | str | bytes) and type(value).__name__ != "UUID":
            raise TypeError
        if isinstance(value, int) and abs(value) >= 2**63:
            raise ValueError  # no column holds it; Django's lookup says so
        connection = connections[alias]
        param = pk_param(binding, connection, value)
        if isinstance(param, int):
            kind = final_key(self.field).get_internal_type()
            if kind not in INTEGERS:
                raise TypeError  # a key of another type, such as a boolean
            low, high = connection.ops.integer_field_range(kind)
            if (low is not None and param < low) or (high is not None and param > high):
                raise ValueError  # Django's way knows that there is no such row
        return [param]


class ReadPlan:
    """The prepared SELECT of a model on one kind of database.

    Attributes:
        names: attnames of the columns, in order.
        places: the same, with their places.
        select: the SELECT without a condition.
        select_any: the same with heads as they are, whether they are the newest or not.
        columns: what a point read can go by, by the name of the lookup.
        binary: whether the driver's binary results are what the converters expect.
        related: with a relation, the plan of its model; its columns follow the own ones.
    """

    def __init__(self, binding: Binding, connection: Any, relation: Any = None) -> None:
        meta = binding.model._meta
        quote = connection.ops.quote_name
        fields = meta.local_concrete_fields  # a child's parent has a plan and streams of its own
        table = quote(meta.db_table)
        columns = [_selected(field, table, connection) for field in fields]
        source = table
        self.related: ReadPlan | None = None
        if relation is not None:
            target = require_binding(relation.remote_field.model)
            self.related = ReadPlan(target, connection)
            columns += [
                _selected(field, "related", connection)
                for field in target.model._meta.concrete_fields
            ]
            source += (
                f" LEFT JOIN {quote(target.model._meta.db_table)} related "
                f"ON related.{quote(relation.target_field.column)} "
                f"= {table}.{quote(relation.column)}"
            )
        self.names = tuple(field.attname for field in fields)
        self.places = {name: place for place, name in enumerate(self.names)}
        self.select = f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608 - quoted names
        head = quote(str(binding.head_field.column))
        columns[binding.head_index] = f"{table}.{head}"
        self.select_any = f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608 - likewise
        self.columns: dict[str, _Column] = {}
        for field in fields:
            column = _Column(field, f"{table}.{quote(field.column)}", self.select)
            if field.primary_key:
                self.columns.update({"pk": column, field.name: column, field.attname: column})
            elif field.unique and isinstance(field, SealedKind):
                self.columns[field.name] = column
            elif field.unique and isinstance(field, FoldedKind):
                self.columns[f"{field.source.name}__iexact"] = column
        # Types whose binary form the driver gives as Django's converters expect them.
        self.binary: bool = all(map(is_known, fields)) and (
            self.related is None or self.related.binary
        )
        self._plain = [
            (index, field.get_col(meta.db_table))
            for index, field in enumerate(fields)
            if not isinstance(field, SealedKind)
        ]

    def convert(
        self, connection: Any, row: Sequence[Any], only: frozenset[int] | None = None
    ) -> list[Any]:
        """Make of a row what a queryset's converters would make of it.

        Args:
            connection: where it comes from.
            row: as the driver gave it.
            only: the places of those columns that have to be converted; None: all.
        """
        values = list(row)
        for index, expression, converters, known in self._converters(connection, only):
            value = values[index]
            if known is not None:
                try:
                    if value is not None:
                        values[index] = known(value)
                    continue
                except (TypeError, ValueError, LookupError, AttributeError):
                    pass  # Django's own may know better
            for converter in converters:
                try:
                    value = values[index] = converter(value, expression, connection)
                except (TypeError, ValueError, ArithmeticError, AttributeError):
                    break  # no value of this field: it will differ from the head
            if value is None:
                # Likewise, where the converter passes it over in silence.
                values[index] = row[index]
        return values

    def _converters(self, connection: Any, only: frozenset[int] | None) -> list[_Conversion]:
        """What is done to which column; found out once per connection."""
        made: dict[Any, list[_Conversion]]
        made = connection.__dict__.setdefault("jazzauth_converters", {})
        # MariaDB's differ by the setting.
        key = (self, settings.USE_TZ, connection.timezone is UTC, only)
        found = made.get(key)
        if found is None:
            made[key] = found = []
            for index, expression in self._plain:
                if only is not None and index not in only:
                    continue
                converters = [
                    *connection.ops.get_db_converters(expression),
                    *expression.get_db_converters(connection),
                ]
                if converters:
                    known = _known_conversion(connection, converters)
                    found.append((index, expression, converters, known))
        return found


def _known_conversion(connection: Any, converters: list[Any]) -> Callable[[Any], Any] | None:
    """What Django's converters of SQLite's values come to for those that it wrote, in one step."""
    if connection.vendor != "sqlite" or len(converters) != 1:
        return None
    ops = connection.ops
    if converters[0] == ops.convert_uuidfield_value:
        return UUID
    if converters[0] == ops.convert_booleanfield_value:
        return _BOOLEANS.__getitem__
    if converters[0] == ops.convert_datetimefield_value and connection.timezone is UTC:
        return _moment
    return None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)  # which is what Django tries first
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _selected(field: Any, table: str, connection: Any) -> str:
    """A column in the list of a SELECT.

    Python's driver of SQLite looks each column's type up at every execution, and makes dates of the
    text at once. An expression has no type: a row that is recognised by its values needs no dates.
    """
    if isinstance(field, HeadField):
        meta, quote = field.model._meta, connection.ops.quote_name
        key, head = (f"{table}.{quote(each.column)}" for each in (meta.pk, field))
        return current_head_sql(connection, field, key, head)
    bare = connection.vendor == "sqlite" and is_known(field)
    return f"{'+' if bare else ''}{table}.{connection.ops.quote_name(field.column)}"


def is_known(field: Any) -> bool:
    """Whether Django's converters make of a column, as it is, what its field expects."""
    return (
        isinstance(field, SealedKind | FoldedKind | HeadField)
        or final_key(field).get_internal_type() in _KNOWN_TYPES
    )


def read_plan(binding: Binding, connection: Any, relation: Any = None) -> ReadPlan:
    """How whole rows of a model are read on this kind of database, made once.

    Args:
        binding: the model.
        connection: the database.
        relation: a foreign key to another event-sourced model whose row is read along.
    """
    plans: dict[Any, ReadPlan] = binding.__dict__.setdefault("read_plans", {})
    key = (connection.vendor, is_copy(connection), relation)
    plan = plans.get(key)
    if plan is None:
        plan = plans[key] = ReadPlan(binding, connection, relation)
    return plan
