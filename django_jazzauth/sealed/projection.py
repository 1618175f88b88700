"""SQL of a model's own table: compare-and-swap of heads, prepared once per class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ..store.drivers import execute_all, fetch_one
from .binding import Binding

CHUNK = 400


def names_of(binding: Binding, connection: BaseDatabaseWrapper) -> tuple[str, str, str]:
    """Quoted names of the table, its key and its head."""
    quote = connection.ops.quote_name
    return (
        quote(binding.model._meta.db_table),
        quote(str(binding.pk.column)),
        quote(str(binding.head_field.column)),
    )


def pk_param(binding: Binding, connection: BaseDatabaseWrapper, pk: Any) -> Any:
    """A primary key as this database takes it in raw SQL."""
    return binding.pk.get_db_prep_value(pk, connection)


def select_head(binding: Binding, alias: str, pk: Any) -> bytes | None:
    """The head of one row; None if there is no such row."""
    connection = connections[alias]
    table, key, head = names_of(binding, connection)
    sql = f"SELECT {head} FROM {table} WHERE {key} = %s"  # noqa: S608 - quoted names
    row = fetch_one(connection, sql, [pk_param(binding, connection, pk)], binary=True)
    return None if row is None else bytes(row[0])


def select_heads(
    binding: Binding, alias: str, pks: Sequence[Any], *, newest: bool = False
) -> dict[str, bytes]:
    """Heads of several rows by the text of their primary key; missing rows are left out.

    Args:
        binding: the model.
        alias: database alias.
        pks: primary keys.
        newest: also what others committed since this transaction began (MariaDB).
    """
    connection = connections[alias]
    lock = " FOR UPDATE" if newest and connection.vendor == "mysql" else ""
    table, key, head = names_of(binding, connection)
    found: dict[str, bytes] = {}
    with connection.cursor() as cursor:
        for start in range(0, len(pks), CHUNK):
            chunk = pks[start : start + CHUNK]
            marks = ", ".join(["%s"] * len(chunk))
            cursor.execute(
                f"SELECT {key}, {head} FROM {table} WHERE {key} IN ({marks}){lock}",  # noqa: S608
                [pk_param(binding, connection, pk) for pk in chunk],
            )
            for pk, blob in cursor.fetchall():
                found[binding.pk_text(pk)] = bytes(blob)
    return found


def scan_heads(binding: Binding, alias: str, limit: int) -> list[tuple[Any, bytes]]:
    """Primary key and head of every row, up to ``limit`` rows."""
    connection = connections[alias]
    table, key, head = names_of(binding, connection)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {key}, {head} FROM {table} LIMIT {int(limit)}")  # noqa: S608
        return [(binding.pk.to_python(pk), bytes(blob)) for pk, blob in cursor.fetchall()]


def swap_heads(
    binding: Binding,
    alias: str,
    fields: Sequence[Any],
    rows: Sequence[tuple[Any, bytes, bytes, Sequence[Any]]],
) -> int:
    """Write columns and head of rows whose head is still the old one.

    Args:
        binding: the model.
        alias: database alias.
        fields: the fields whose columns are written.
        rows: per row: primary key, old head, new head, and the column values of ``fields`` as
            ``get_db_prep_save`` gives them.

    Returns:
        How many rows were written.
    """
    connection = connections[alias]
    table, key, head = names_of(binding, connection)
    quote = connection.ops.quote_name
    assignments = "".join(f"{quote(field.column)} = %s, " for field in fields)
    sql = (
        f"UPDATE {table} SET {assignments}{head} = %s "  # noqa: S608 - quoted names
        f"WHERE {key} = %s AND {head} = %s"
    )
    params = [
        (*values, new, pk_param(binding, connection, pk), old) for pk, old, new, values in rows
    ]
    return execute_all(connection, sql, params)


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
