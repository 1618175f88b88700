"""Rows of event-sourced models against the log, for ``verify``: a batch per statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models import UniqueConstraint

from ..errors import SealBroken
from ..store.registry import Standing
from ..store.sealing import Head
from .binding import Binding
from .load import inspect_row
from .members import current_members
from .projection import pk_param
from .read_plan import is_known, read_plan

Found = tuple[str, str, str]

# For these, Django registers converters with SQLite's driver.
_READ_BY_DECLARED_TYPE = ("bool", "date", "datetime", "time", "timestamp")


def check_rows(binding: Binding, alias: str, newest: Mapping[str, Standing]) -> Iterator[Found]:
    """What is wrong with the rows of living streams: code, stream, detail.

    Args:
        binding: the model.
        alias: database alias.
        newest: by stream, where it stands; at most a few hundred.
    """
    missing = dict(newest)
    heads: dict[Any, Head] = {}
    misread = _misread(binding, alias, newest)
    for names, values in _rows(binding, alias, newest):
        pk = values[names.index(binding.pk.attname)]
        try:
            stream = binding.stream(pk)
        except ValidationError:
            continue
        standing = missing.pop(stream, None)
        if standing is None:
            continue
        try:
            opened, differing = inspect_row(binding.model, alias, names, values)
        except SealBroken as error:
            yield "HEAD_BROKEN", stream, str(error)
            continue
        head, last = opened.head, standing.head
        if (head.version, head.digest) != (last.version, last.digest):
            yield (
                "HEAD_STALE",
                stream,
                f"the head is version {head.version}, the log's newest {last.version}",
            )
        elif not standing.opaque and not _same_state(binding, head, last):
            yield "HEAD_DIFFERS", stream, "the state in the head is not that of its event"
        for name in dict.fromkeys([*differing, *misread.get(pk, ())]):
            yield "COLUMN_DIFFERS", stream, f"column {name} differs from the head"
        heads[pk] = head
    yield from _member_problems(binding, alias, heads)
    for stream in missing:
        yield "ROW_MISSING", stream, "the log has a living entity without a row"


def row_streams(binding: Binding, alias: str, size: int) -> Iterator[list[str | None]]:
    """The streams of all rows, page by page; None for a row whose key is none."""
    connection = connections[alias]
    quote = connection.ops.quote_name
    column, table = quote(binding.pk.column), quote(binding.model._meta.db_table)
    after: Any = None
    while True:
        condition = "" if after is None else f"WHERE {column} > %s "
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {column} FROM {table} {condition}"  # noqa: S608 - quoted names
                f"ORDER BY {column} LIMIT %s",
                [*([] if after is None else [after]), size],
            )
            keys = [row[0] for row in cursor.fetchall()]
        if keys:
            yield [_stream(binding, key) for key in keys]
        if len(keys) < size:
            return
        after = keys[-1]


def has_row(binding: Binding, alias: str, stream: str) -> bool:
    """Whether the entity has a row now."""
    return next(_rows(binding, alias, [stream]), None) is not None


def duplicates(binding: Binding, alias: str) -> Iterator[tuple[str, str]]:
    """Rows that share a value which must be unique: stream, detail.

    The database enforces it; this finds what came in while its constraint was taken away.
    """
    connection = connections[alias]
    quote = connection.ops.quote_name
    table, key = quote(binding.model._meta.db_table), quote(binding.pk.column)
    for fields in _unique_sets(binding):
        columns = [quote(field.column) for field in fields]
        listed = ", ".join(columns)
        present = " AND ".join(f"{column} IS NOT NULL" for column in columns)
        same = " AND ".join(f"d.{column} = t.{column}" for column in columns)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT t.{key} FROM {table} t JOIN (SELECT {listed} FROM {table} "  # noqa: S608
                f"WHERE {present} GROUP BY {listed} HAVING COUNT(*) > 1) d ON {same}"
            )
            keys = [row[0] for row in cursor.fetchall()]
        names = ", ".join(field.name for field in fields)
        for each in keys:
            stream = _stream(binding, each) or binding.entity
            yield stream, f"another row has the same {names}, which must be unique"


def _unique_sets(binding: Binding) -> Iterator[list[Any]]:
    meta = binding.model._meta
    local = {field.name: field for field in meta.local_concrete_fields}
    for field in local.values():
        if field.unique and not field.primary_key:
            yield [field]
    plain = (
        constraint.fields
        for constraint in meta.constraints
        if isinstance(constraint, UniqueConstraint) and constraint.condition is None
    )
    for names in chain(meta.unique_together, plain):
        if names and all(name in local for name in names):
            yield [local[name] for name in names]


def _rows(
    binding: Binding, alias: str, streams: Iterable[str]
) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    connection = connections[alias]
    keys = _keys(binding, alias, streams)
    if not keys:
        return
    plan = read_plan(binding, connection)
    quote = connection.ops.quote_name
    column = f"{quote(binding.model._meta.db_table)}.{quote(binding.pk.column)}"
    marks = ", ".join(["%s"] * len(keys))
    with connection.cursor() as cursor:
        cursor.execute(f"{plan.select_any} WHERE {column} IN ({marks})", keys)
        rows = cursor.fetchall()
    for row in rows:
        yield plan.names, plan.convert(connection, row)


def _keys(binding: Binding, alias: str, streams: Iterable[str]) -> list[Any]:
    keys = []
    for stream in streams:
        try:
            key = binding.pk.to_python(stream.partition("/")[2])
            keys.append(pk_param(binding, connections[alias], key))
        except (ValidationError, ValueError, TypeError, OverflowError):
            continue  # no row can have such a key
    return keys


def _misread(binding: Binding, alias: str, streams: Iterable[str]) -> dict[Any, list[str]]:
    """By primary key, the columns that SQLite's driver reads as something else than they hold.

    Python's driver goes by a column's declared type: in one of type ``bool`` it reads whatever is
    not 1 as no, in one of type ``datetime`` text that is no time as NULL. SQL compares what is
    there. Only fields of a project's own kinds are read so here; see ``read_plan``.
    """
    connection = connections[alias]
    keys = _keys(binding, alias, streams) if connection.vendor == "sqlite" else []
    fields = [
        field
        for field in binding.model._meta.local_concrete_fields
        if not is_known(field) and field.db_type(connection) in _READ_BY_DECLARED_TYPE
    ]
    if not keys or not fields:
        return {}
    quote = connection.ops.quote_name
    key = quote(binding.pk.column)
    # An expression has no declared type.
    columns = ", ".join(f"{quote(f.column)}, +{quote(f.column)}" for f in fields)
    marks = ", ".join(["%s"] * len(keys))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key}, {columns} FROM {quote(binding.model._meta.db_table)} "  # noqa: S608
            f"WHERE {key} IN ({marks})",
            keys,
        )
        rows = cursor.fetchall()
    found: dict[Any, list[str]] = {}
    for pk, *values in rows:
        for field, read, held in zip(fields, values[::2], values[1::2], strict=True):
            if (read is None) != (held is None) or (isinstance(read, bool) and read != held):
                found.setdefault(binding.pk.to_python(pk), []).append(field.name)
    return found


def _stream(binding: Binding, key: Any) -> str | None:
    try:
        return binding.stream(binding.pk.to_python(key))
    except (ValidationError, ValueError, TypeError):
        return None


def _same_state(binding: Binding, head: Head, last: Head) -> bool:
    try:
        return _same(head.state, binding.upcast(last).state)
    except SealBroken:
        return False


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    if one == other:
        return True
    # A not-a-number equals nothing, itself neither, but is written alike.
    return one.keys() == other.keys() and all(repr(one[key]) == repr(other[key]) for key in one)


def _member_problems(binding: Binding, alias: str, heads: dict[Any, Head]) -> Iterator[Found]:
    for field in binding.members:
        rows = current_members(field.remote_field.through, alias, heads) if heads else {}
        for pk, members in rows.items():
            if members != heads[pk].state.get(field.name, []):
                yield (
                    "MEMBERS_DIFFER",
                    binding.stream(pk),
                    f"the rows of {field.name} differ from the head",
                )
