"""SQL of a model's own table: compare-and-swap of heads, prepared once per class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from ..drivers import as_octets, execute, execute_all, fetch_all, fetch_one, is_among
from ..store.event_sql import RowWrite
from .binding import Binding
from .current_head import current_head_sql

CHUNK = 400

Swap = tuple[Any, bytes, bytes, Sequence[Any]]
"""Primary key, old head, new head, and the values of the columns that are written."""


def names_of(binding: Binding, connection: BaseDatabaseWrapper) -> tuple[str, str, str]:
    """Quoted names of the table, its key and its head."""
    table = binding.model._meta.db_table  # which a schema editor may change for a moment
    made: dict[Any, tuple[str, str, str]] = binding.__dict__.setdefault("quoted_names", {})
    names = made.get((connection.vendor, table))
    if names is None:
        quote = connection.ops.quote_name
        names = (
            quote(table),
            quote(str(binding.pk.column)),
            quote(str(binding.head_field.column)),
        )
        made[connection.vendor, table] = names
    return names


def pk_param(binding: Binding, connection: BaseDatabaseWrapper, pk: Any) -> Any:
    """A primary key as this database takes it in raw SQL."""
    if type(pk) is UUID and type(binding.pk) is models.UUIDField:
        return pk if connection.features.has_native_uuid_field else pk.hex
    return binding.pk.get_db_prep_value(pk, connection)


def streams_by_key(
    binding: Binding, connection: BaseDatabaseWrapper
) -> Callable[[Any], str] | None:
    """A function that names a row's stream by its key as the driver gives it.

    None for keys of rarer types, which have to be converted first.
    """
    prefix = f"{binding.entity}/"
    kind = binding.key_kind
    if kind == "UUIDField":

        def of_uuid(raw: Any) -> str:
            if type(raw) is str and len(raw) == 32 and raw.isalnum() and raw == raw.lower():
                return f"{prefix}{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"
            return binding.stream(raw)

        return of_uuid
    if kind in ("AutoField", "BigAutoField", "IntegerField", "BigIntegerField"):
        return lambda raw: f"{prefix}{raw}" if type(raw) is int else binding.stream(raw)
    return None


def _current(binding: Binding, connection: BaseDatabaseWrapper) -> str:
    """For who reads: the head, or NULL where the stream went on without the row."""
    table, key, head = names_of(binding, connection)
    return current_head_sql(connection, binding.head_field, f"{table}.{key}", head)


def select_head(binding: Binding, alias: str, pk: Any, *, current: bool = False) -> bytes | None:
    """The head of one row; None if there is no such row.

    Args:
        binding: the model.
        alias: database alias.
        pk: primary key.
        current: for who reads: no bytes where the stream went on without the row.
    """
    connection = connections[alias]
    table, key, head = names_of(binding, connection)
    if current:
        head = _current(binding, connection)
    sql = f"SELECT {head} FROM {table} WHERE {key} = %s"  # noqa: S608 - quoted names
    row = fetch_one(connection, sql, [pk_param(binding, connection, pk)], binary=True)
    return None if row is None else as_octets(row[0])


def select_heads(
    binding: Binding,
    alias: str,
    pks: Sequence[Any],
    *,
    newest: bool = False,
    current: bool = False,
) -> dict[str, bytes]:
    """Heads of several rows by the text of their primary key; missing rows are left out.

    Args:
        binding: the model.
        alias: database alias.
        pks: primary keys.
        newest: also what others committed since this transaction began (MariaDB).
        current: for who reads: no bytes where the stream went on without the row.
    """
    connection = connections[alias]
    lock = " FOR UPDATE" if newest and connection.vendor == "mysql" else ""
    table, key, head = names_of(binding, connection)
    if current:
        head = _current(binding, connection)
    found: dict[str, bytes] = {}
    for start in range(0, len(pks), CHUNK):
        chunk = [pk_param(binding, connection, pk) for pk in pks[start : start + CHUNK]]
        condition, params = is_among(connection, key, chunk)
        rows = fetch_all(
            connection,
            f"SELECT {key}, {head} FROM {table} WHERE {condition}{lock}",  # noqa: S608 - quoted names
            params,
        )
        found.update((binding.pk_text(pk), as_octets(blob)) for pk, blob in rows)
    return found


def scan_heads(binding: Binding, alias: str, limit: int) -> list[tuple[Any, bytes]]:
    """Primary key and current head of every row, up to ``limit`` rows."""
    connection = connections[alias]
    table, key, _head = names_of(binding, connection)
    current = _current(binding, connection)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {key}, {current} FROM {table} LIMIT {int(limit)}", [])  # noqa: S608 - quoted names
        return [(binding.pk.to_python(pk), as_octets(blob)) for pk, blob in cursor.fetchall()]


def page_of_heads(
    binding: Binding, alias: str, after: Any | None, limit: int
) -> list[tuple[Any, bytes]]:
    """Primary key and head of rows in the order of keys.

    Args:
        binding: the model.
        alias: database alias.
        after: the key to begin behind; None: at the first.
        limit: rows at most.
    """
    connection = connections[alias]
    table, key, head = names_of(binding, connection)
    behind = "" if after is None else f"WHERE {key} > %s "
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key}, {head} FROM {table} {behind}"  # noqa: S608 - quoted names
            f"ORDER BY {key} LIMIT {int(limit)}",
            [] if after is None else [pk_param(binding, connection, after)],
        )
        return [(binding.pk.to_python(pk), as_octets(blob)) for pk, blob in cursor.fetchall()]


def swap_heads(
    binding: Binding,
    connection: BaseDatabaseWrapper,
    fields: Sequence[Any],
    rows: Sequence[Swap],
    *,
    raw: bool = False,
) -> int:
    """Write columns and head of rows whose head is still the old one.

    Args:
        binding: the model.
        connection: the database.
        fields: the fields whose columns are written.
        rows: per row: primary key, old head, new head, and the column values of ``fields`` as
            ``get_db_prep_save`` gives them.
        raw: the primary keys are as the driver gave them.

    Returns:
        How many rows were written.
    """
    keys = [row[0] if raw else pk_param(binding, connection, row[0]) for row in rows]
    first = rows[0][3]
    if connection.vendor == "postgresql" and len(rows) > 1 and all(r[3] == first for r in rows):
        # Equal columns: one statement, whatever the number of rows.
        kind = binding.pk.rel_db_type(connection)
        arrays = [keys, [new for _, _, new, _ in rows], [old for _, old, _, _ in rows]]
        return execute(connection, _swap_sql(binding, connection, fields, kind), [*first, *arrays])
    params = [
        (*values, new, key, old) for key, (_, old, new, values) in zip(keys, rows, strict=True)
    ]
    return execute_all(connection, _swap_sql(binding, connection, fields, None), params)


def swap_after(
    binding: Binding, alias: str, fields: Sequence[Any], row: Swap, *, raw: bool
) -> RowWrite:
    """As ``swap_heads`` of one row, for the statement that appends its event."""
    connection = connections[alias]
    pk, old, new, values = row
    key = pk if raw else pk_param(binding, connection, pk)
    sql = f"{_swap_sql(binding, connection, fields, None)} AND EXISTS (SELECT 1 FROM e)"  # noqa: S608
    return RowWrite(sql, (*values, new, key, old), _held_sql(binding, connection), (key, old))


def _held_sql(binding: Binding, connection: BaseDatabaseWrapper) -> str:
    table, key, head = names_of(binding, connection)
    return (
        f"SELECT 1 FROM {table} WHERE {key} = %s AND {head} = %s "  # noqa: S608 - quoted names
        "FOR NO KEY UPDATE"
    )


def hold_rows(
    binding: Binding, connection: BaseDatabaseWrapper, pks: Sequence[Any], *, raw: bool
) -> None:
    """Lock rows of PostgreSQL before their events are written; elsewhere there is one writer.

    Whoever deletes a row, or has selected it for update, has its lock before the event's.

    Args:
        binding: the model.
        connection: the database; the caller holds a transaction on it.
        pks: primary keys.
        raw: they are as the driver gave them.
    """
    table, key, _head = names_of(binding, connection)
    keys = pks if raw else [pk_param(binding, connection, pk) for pk in pks]
    condition, params = is_among(connection, key, keys)
    sql = (
        f"SELECT 1 FROM {table} WHERE {condition} "  # noqa: S608 - quoted names
        f"ORDER BY {key} FOR NO KEY UPDATE"
    )
    execute(connection, sql, params)


def _swap_sql(
    binding: Binding, connection: BaseDatabaseWrapper, fields: Sequence[Any], many: str | None
) -> str:
    """The compare-and-swap of one row's head; with the type of keys, that of an array of them."""
    made: dict[Any, str] = binding.__dict__.setdefault("swaps", {})
    place = (connection.vendor, many, *[field.attname for field in fields])
    sql = made.get(place)
    if sql is None:
        table, key, head = names_of(binding, connection)
        quote = connection.ops.quote_name
        columns = "".join([f"{quote(field.column)} = %s, " for field in fields])
        update = f"UPDATE {table} SET {columns}{head} = "  # noqa: S608 - quoted names
        sql = (
            f"{update}%s WHERE {key} = %s AND {head} = %s"
            if many is None
            else f"{update}v.new FROM unnest(%b::{many}[], %b::bytea[], %b::bytea[]) "
            f"v(pk, new, old) WHERE {table}.{key} = v.pk AND {table}.{head} = v.old"
        )
        made[place] = sql
    return sql


def next_pks(binding: Binding, alias: str, count: int) -> list[int] | None:
    """Reserve automatic primary keys, so that heads can be sealed before their rows exist.

    Returns:
        ``count`` keys, or None where the database hands them out only at the insert (MariaDB).
    """
    connection = connections[alias]
    meta = binding.model._meta
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                [connection.ops.quote_name(meta.db_table), binding.pk.column, count],
            )
            return [row[0] for row in cursor.fetchall()]
        if connection.vendor == "sqlite":
            # The writer's lock is held; AUTOINCREMENT keeps the highest key ever used here.
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [meta.db_table])
            row = cursor.fetchone()
            first = (row[0] if row else 0) + 1
            return list(range(first, first + count))
    return None


def advance_pks(binding: Binding, alias: str) -> None:
    """Let automatic primary keys go on behind the highest one, after rows were written with theirs.

    SQLite and MariaDB do that by themselves.
    """
    connection = connections[alias]
    if connection.vendor != "postgresql" or not isinstance(binding.pk, models.AutoField):
        return
    quote = connection.ops.quote_name
    table, key = quote(binding.model._meta.db_table), quote(str(binding.pk.column))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [table, binding.pk.column])
        sequence = cursor.fetchone()[0]
        if sequence is not None:  # never back: a key that was deleted is not given again
            cursor.execute(
                f"SELECT setval(%s::regclass, newest) FROM {sequence}, "  # noqa: S608 - its name
                f"(SELECT MAX({key}) AS newest FROM {table}) rows "
                "WHERE newest > last_value OR (newest = last_value AND NOT is_called)",
                [sequence],
            )
