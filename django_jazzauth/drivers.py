"""Statements of the hot paths, sent the shortest way that the database driver has.

Django binds parameters on the client and makes a cursor per statement. For the few statements that
every request runs, PostgreSQL is faster with a prepared statement, binary results and one cursor
that is kept. Wherever Django is watching (``DEBUG``, ``assertNumQueries``, ``execute_wrapper``) the
statement goes through Django's cursor like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

try:
    import psycopg
except ImportError:  # the extra "postgres" is not installed, or only psycopg2 is
    psycopg = None  # type: ignore[assignment]

_KEPT = "jazzauth_cursor"
_PREPARE_AFTER = 5


def _own_cursor(connection: BaseDatabaseWrapper) -> Any | None:
    """The kept psycopg cursor of a connection; None where Django's has to be used."""
    if (
        connection.vendor != "postgresql"
        or psycopg is None
        or connection.execute_wrappers
        or connection.queries_logged
    ):
        return None
    connection.ensure_connection()
    connection.validate_thread_sharing()
    connection.validate_no_broken_transaction()
    raw = connection.connection
    kept = connection.__dict__.get(_KEPT)
    if kept is None or kept.connection is not raw:
        if not isinstance(raw, psycopg.Connection):
            return None
        kept = psycopg.Cursor(raw)
        connection.__dict__[_KEPT] = kept
    return kept


def _read(
    connection: BaseDatabaseWrapper, cursor: Any, sql: str, params: Sequence[Any], binary: bool
) -> None:
    try:
        cursor.execute(sql, params, prepare=True, binary=binary)
    except psycopg.errors.FeatureNotSupported:
        # "cached plan must not change result type": a migration gave a column another type. A
        # transaction is lost by that; its rollback makes psycopg prepare everything anew.
        if connection.in_atomic_block:
            raise
        cursor.execute("DEALLOCATE ALL", prepare=False)
        cursor.execute(sql, params, prepare=True, binary=binary)


def fetch_one(
    connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any], binary: bool
) -> Any | None:
    """Run a SELECT and return its first row.

    Args:
        connection: Django's connection.
        sql: the statement; constant, so that it is worth preparing.
        params: its parameters.
        binary: whether the driver's binary results are what Django's converters expect.
    """
    # Without USE_TZ Django loads times by a loader of its own, set on each of its cursors.
    cursor = _own_cursor(connection) if settings.USE_TZ else None
    if cursor is None:
        with connection.cursor() as django_cursor:
            django_cursor.execute(sql, params)
            return django_cursor.fetchone()
    with connection.wrap_database_errors:
        _read(connection, cursor, sql, params, binary)
        return cursor.fetchone()


def execute(connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any]) -> int:
    """Run a statement that writes.

    Args:
        connection: Django's connection.
        sql: the statement; constant, so that it is worth preparing.
        params: its parameters.

    Returns:
        The number of rows that were written.
    """
    cursor = _own_cursor(connection)
    if cursor is None:
        with connection.cursor() as django_cursor:
            django_cursor.execute(sql, params)
            return int(django_cursor.rowcount)
    with connection.wrap_database_errors:
        cursor.execute(sql, params, prepare=True)
        return int(cursor.rowcount)


def fetch_all(
    connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """Run a SELECT of the store's own columns and return its rows.

    Args:
        connection: Django's connection.
        sql: the statement; constant, so that it is worth preparing.
        params: its parameters.
    """
    cursor = _own_cursor(connection)
    if cursor is None:
        with connection.cursor() as django_cursor:
            django_cursor.execute(sql, params)
            return list(django_cursor.fetchall())
    with connection.wrap_database_errors:
        _read(connection, cursor, sql, params, binary=True)
        return list(cursor.fetchall())


def execute_all(connection: BaseDatabaseWrapper, sql: str, rows: Sequence[Sequence[Any]]) -> int:
    """Run a statement once per row of parameters, in as few round trips as the driver can.

    Args:
        connection: Django's connection.
        sql: the statement; constant, so that it is worth preparing.
        rows: the parameters.

    Returns:
        The number of rows that were written.
    """
    if len(rows) == 1:
        return execute(connection, sql, rows[0])
    cursor = _own_cursor(connection)
    if cursor is None:
        with connection.cursor() as django_cursor:
            django_cursor.executemany(sql, rows)
            return int(django_cursor.rowcount)
    with connection.wrap_database_errors:
        cursor.executemany(sql, rows)
        return int(cursor.rowcount)


def is_among(
    connection: BaseDatabaseWrapper, column: str, values: Sequence[Any]
) -> tuple[str, Sequence[Any]]:
    """A condition that a column holds one of some values, and its parameters.

    PostgreSQL takes them as one array, so that the statement is the same for any number of them.
    """
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%b)", [list(values)]
    return f"{column} IN ({', '.join(['%s'] * len(values))})", values


def uuid_parameter(connection: BaseDatabaseWrapper, value: bytes) -> Any:
    """A UUID of 16 bytes as this database takes it in raw SQL."""
    return UUID(bytes=value) if connection.features.has_native_uuid_field else value.hex()


def _allow_prepared_statements(sender: Any, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    # Django switches preparing off, because a pooler between may not keep statements. Projects
    # that have one say so by one of these two settings.
    options = connection.settings_dict.get("OPTIONS", {})
    pooled = connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
    if (
        connection.vendor == "postgresql"
        and psycopg is not None
        and isinstance(connection.connection, psycopg.Connection)
        and "prepare_threshold" not in options
        and not pooled
    ):
        connection.connection.prepare_threshold = _PREPARE_AFTER


connection_created.connect(_allow_prepared_statements, dispatch_uid="jazzauth_prepared_statements")
