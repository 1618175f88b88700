"""What the columns of a row get, and the primitives behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from ..drivers import time_parameter
from .binding import Binding
from .kinds import FoldedKind, SealedKind

Writer = Callable[[Any, Any, BaseDatabaseWrapper], Any]

_NOTHING = object()


def _marker(value: Any, primitive: Any, connection: BaseDatabaseWrapper) -> int | None:
    return None if primitive is None else 1


def _writer(field: Any) -> Writer:
    if isinstance(field, FoldedKind):
        return lambda value, _, connection: field.column_value(value, connection.alias)
    if isinstance(field, SealedKind):
        if not field.searchable:
            return _marker
        return lambda _, primitive, connection: field.column_value(primitive, connection.alias)
    return _prepared(field, field.get_db_prep_save)


def _prepared(field: Any, prepare: Callable[[Any, BaseDatabaseWrapper], Any]) -> Writer:
    """Django's own preparation, past its layers for values that they would leave as they are."""

    def whatever(value: Any, _: Any, connection: BaseDatabaseWrapper) -> Any:
        return prepare(value, connection)

    def yes_or_no(value: Any, _: Any, connection: BaseDatabaseWrapper) -> Any:
        return value if value is True or value is False else prepare(value, connection)

    def time(value: Any, _: Any, connection: BaseDatabaseWrapper) -> Any:
        if value is None:
            return None
        if type(value) is not datetime or value.tzinfo is None:
            return prepare(value, connection)
        return time_parameter(connection, value)

    def uuid(value: Any, _: Any, connection: BaseDatabaseWrapper) -> Any:
        if type(value) is not UUID:
            return prepare(value, connection)
        return value if connection.features.has_native_uuid_field else value.hex

    def uuid_or_none(value: Any, _: Any, connection: BaseDatabaseWrapper) -> Any:
        return None if value is None else uuid(value, None, connection)

    # Of these classes only, not of those derived from them: they may prepare otherwise.
    special: dict[type, Writer] = {
        models.BooleanField: yes_or_no,
        models.DateTimeField: time,
        models.UUIDField: uuid,
    }
    if type(field) in (models.ForeignKey, models.OneToOneField):
        return uuid_or_none if type(field.target_field) is models.UUIDField else whatever
    return special.get(type(field), whatever)


@dataclass(frozen=True, slots=True)
class Column:
    """A column that follows from the state.

    Attributes:
        field: its field.
        attname: of the field.
        source: attname of the field whose value it shows; its own, unless it is a companion.
        name: of that field in the state.
        decode: primitive to Python value.
        write: makes the parameter (ciphertext, marker, or the plain value as the database takes
            it) of the Python value, its primitive, and the connection.
    """

    field: Any
    attname: str
    source: str
    name: str
    decode: Callable[[Any], Any]
    write: Writer


def columns_of(binding: Binding) -> dict[str, Column]:
    """The columns of a model's own table but the key and the head, by attname; made once."""
    columns: dict[str, Column] | None = binding.__dict__.get("columns")
    if columns is None:
        columns = binding.__dict__["columns"] = {}
        fields = [*(codec.field for codec in binding.codecs.values()), *binding.folded]
        for field in fields:
            source = field.source if isinstance(field, FoldedKind) else field
            codec = binding.codecs[source.attname]
            columns[field.attname] = Column(
                field, field.attname, codec.attname, codec.name, codec.decode, _writer(field)
            )
    return columns


@lru_cache(maxsize=1024)
def columns_for(binding: Binding, names: frozenset[str]) -> tuple[list[Column], list[Any]]:
    """The columns that are written when the fields of some attnames change, and their fields."""
    columns = [column for column in columns_of(binding).values() if column.source in names]
    return columns, [column.field for column in columns]


class RowInsert:
    """The INSERT of one row of a model's own table, on one kind of database.

    Attributes:
        sql: the statement.
        following: the same, for as many rows as ``e`` has (``insert_with_row``).
        is_whole: the parameters are the row, as it will be read.
    """

    def __init__(self, binding: Binding, connection: BaseDatabaseWrapper, with_pk: bool) -> None:
        quote = connection.ops.quote_name
        columns = columns_of(binding)
        pk = binding.pk
        key = Column(
            pk, pk.attname, pk.attname, "", lambda value: value, _prepared(pk, pk.get_db_prep_value)
        )
        fields = [
            field
            for field in binding.model._meta.local_concrete_fields
            if not field.generated and (with_pk or field is not pk)
        ]
        self.is_whole = len(fields) == len(binding.model._meta.local_concrete_fields)
        # Most columns are markers; those go by their names in the state alone.
        self._markers: list[tuple[int, str]] = []
        self._others: list[tuple[int, Column]] = []
        for index, field in enumerate(fields):
            column = key if field is pk else columns.get(field.attname)
            if column is None:
                self._head = index
            elif column.write is _marker:
                self._markers.append((index, column.name))
            else:
                self._others.append((index, column))
        self._empty = [None] * len(fields)
        names = ", ".join(quote(field.column) for field in fields)
        marks = ", ".join(["%s"] * len(fields))
        table = quote(binding.model._meta.db_table)
        into = f"INSERT INTO {table} ({names})"
        self.sql = f"{into} VALUES ({marks})"
        self.following = f"{into} SELECT {marks} FROM e"  # noqa: S608 - quoted names

    def params(
        self, obj: Any, state: dict[str, Any], blob: bytes, connection: BaseDatabaseWrapper
    ) -> list[Any]:
        """The parameters for one entity, which is given its companion columns on the way.

        Args:
            obj: has the values as attributes.
            state: their primitives by field name.
            blob: the sealed head.
            connection: the database.
        """
        params: list[Any] = [*self._empty]
        params[self._head] = blob
        for index, name in self._markers:
            if name in state and state[name] is not None:
                params[index] = 1
        for index, column in self._others:
            primitive = state.get(column.name)
            param = column.write(getattr(obj, column.source), primitive, connection)
            if column.attname != column.source:
                setattr(obj, column.attname, param)
            params[index] = param
        return params


def row_insert(
    binding: Binding, connection: BaseDatabaseWrapper, with_pk: bool = True
) -> RowInsert:
    """How rows of a model are inserted on this kind of database; made once.

    Args:
        binding: the model.
        connection: the database.
        with_pk: whether the primary key is given, or made by the database.
    """
    made: dict[Any, RowInsert] = binding.__dict__.setdefault("row_inserts", {})
    insert = made.get((connection.vendor, with_pk))
    if insert is None:
        insert = made[connection.vendor, with_pk] = RowInsert(binding, connection, with_pk)
    return insert


class Values:
    """New values on their way into events and rows; what several rows share is made once.

    Args:
        binding: the model.
        connection: the database.
    """

    def __init__(self, binding: Binding, connection: BaseDatabaseWrapper) -> None:
        self._codecs = binding.codecs
        self._connection = connection
        # By identity; the value is kept, or another could come to lie at its address.
        self._primitives: dict[tuple[str, int], tuple[Any, Any]] = {}
        self._params: dict[tuple[str, int], tuple[Any, Any]] = {}

    def primitive(self, attname: str, value: Any) -> Any:
        """The value as the state keeps it."""
        key = (attname, id(value))
        made = self._primitives.get(key)
        if made is None:
            made = self._primitives[key] = (self._codecs[attname].encode(value), value)
        return made[0]

    def changed(self, values: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
        """Those of some values, by attname, that are others than a state's."""
        codecs = self._codecs
        return {
            attname: value
            for attname, value in values.items()
            if state.get(codecs[attname].name, _NOTHING) != self.primitive(attname, value)
        }

    def params(
        self, columns: Sequence[Column], values: dict[str, Any], state: dict[str, Any]
    ) -> list[Any]:
        """The parameters of some columns of one row.

        Args:
            columns: the columns.
            values: attname to new value; a field that is not among them stays as it is.
            state: field name to primitive, after the change.
        """
        params = []
        for column in columns:
            primitive = state.get(column.name)
            if column.source not in values:  # another row of the same batch changes it
                value = None if primitive is None else column.decode(primitive)
                params.append(column.write(value, primitive, self._connection))
                continue
            value = values[column.source]
            key = (column.attname, id(value))
            made = self._params.get(key)
            if made is None:
                made = (column.write(value, primitive, self._connection), value)
                self._params[key] = made
            params.append(made[0])
        return params
