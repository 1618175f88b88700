"""Statements of the hot paths, sent the shortest way that the database driver has.

Django makes a cursor and looks at the SQL for each statement, and binds PostgreSQL's parameters on
the client. The few statements that every request runs go to the driver itself; on PostgreSQL they
are prepared, with binary results, through one cursor that is kept. Wherever Django is watching
(``DEBUG``, ``assertNumQueries``, ``execute_wrapper``) they go through Django's cursor like any
other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from threading import get_ident
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.backends.sqlite3.base import FORMAT_QMARK_REGEX

from .kept_settings import DEBUG

try:
    import psycopg
except ImportError:  # the extra "postgres" is not installed, or only psycopg2 is
    psycopg = None  # type: ignore[assignment]

_KEPT = "jazzauth_driver"
_PREPARE_AFTER = 5


class _Psycopg:
    """PostgreSQL: one cursor, kept as long as its connection; statements are prepared."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self._cursor = psycopg.Cursor(raw)

    def run(self, sql: str, params: Sequence[Any], binary: bool = False) -> Any:
        """Run a statement; the cursor with its result."""
        try:
            return self._cursor.execute(sql, params, prepare=True, binary=binary)
        except psycopg.errors.FeatureNotSupported:
            # "cached plan must not change result type": a migration gave a column another type. A
            # transaction is lost by that; its rollback makes psycopg prepare everything anew.
            if self.raw.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                raise
            self._cursor.execute("DEALLOCATE ALL", prepare=False)
            return self._cursor.execute(sql, params, prepare=True, binary=binary)

    def run_all(self, sql: str, rows: Sequence[Sequence[Any]]) -> Any:
        """Run a statement once per row of parameters; the cursor with the count."""
        self._cursor.executemany(sql, rows)
        return self._cursor


class _Sqlite:
    """SQLite: a bare cursor for each statement, for threads of tests may share a connection."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.raw = raw

    def run(self, sql: str, params: Sequence[Any], binary: bool = False) -> Any:
        """Run a statement; the cursor with its result."""
        return self.raw.execute(_question_marks(sql), params)

    def run_all(self, sql: str, rows: Sequence[Sequence[Any]]) -> Any:
        """Run a statement once per row of parameters; the cursor with the count."""
        return self.raw.executemany(_question_marks(sql), rows)


@lru_cache(maxsize=512)
def _question_marks(sql: str) -> str:
    # As Django does it, but once per statement.
    return str(FORMAT_QMARK_REGEX.sub("?", sql).replace("%%", "%"))


def _driver(connection: BaseDatabaseWrapper) -> _Psycopg | _Sqlite | None:
    """The short way to the database; None where Django's cursors have to be used."""
    if connection.execute_wrappers or connection.force_debug_cursor or DEBUG.value:
        return None
    connection.close_if_health_check_failed()
    kept: _Psycopg | _Sqlite | None = connection.__dict__.get(_KEPT)
    if kept is None or kept.raw is not connection.connection:
        kept = _new_driver(connection)
    # What else a cursor of Django's looks at, without a call where there is nothing to find.
    if connection._thread_ident != get_ident():  # type: ignore[attr-defined]  # not in the stubs
        connection.validate_thread_sharing()
    if connection.needs_rollback:
        connection.validate_no_broken_transaction()
    return kept


def _new_driver(connection: BaseDatabaseWrapper) -> _Psycopg | _Sqlite | None:
    connection.ensure_connection()
    raw = connection.connection
    kept: _Psycopg | _Sqlite | None = None
    if isinstance(raw, sqlite3.Connection):
        kept = _Sqlite(raw)
    elif psycopg is not None and isinstance(raw, psycopg.Connection):
        kept = _Psycopg(raw)
    connection.__dict__[_KEPT] = kept
    return kept


def fetch_one(
    connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any], binary: bool
) -> Any | None:
    """Run a SELECT of one row at most and return it.

    Args:
        connection: Django's connection.
        sql: the statement; constant, so that it is worth preparing.
        params: its parameters.
        binary: whether the driver's binary results are what Django's converters expect.
    """
    rows = _fetch(connection, sql, params, binary)
    return rows[0] if rows else None


def fetch_all(
    connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """Run a SELECT of the store's own columns and return its rows.

    Args:
        connection: Django's connection.
        sql: the statement; constant, so that it is worth preparing.
        params: its parameters.
    """
    return _fetch(connection, sql, params, binary=True)


def _fetch(
    connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any], binary: bool
) -> list[tuple[Any, ...]]:
    # Without USE_TZ Django loads times by a loader of its own, set on each of its cursors.
    driver = None if connection.timezone is None else _driver(connection)
    if driver is None:
        with connection.cursor() as django_cursor:
            django_cursor.execute(sql, params)
            return list(django_cursor.fetchall())
    try:
        # All, so that no statement stays open.
        rows: list[tuple[Any, ...]] = driver.run(sql, params, binary).fetchall()
    except Exception:
        with connection.wrap_database_errors:  # as Django's
            raise
    return rows


def execute(connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any]) -> int:
    """Run a statement that writes.

    Args:
        connection: Django's connection.
        sql: the statement; constant, so that it is worth preparing.
        params: its parameters.

    Returns:
        The number of rows that were written.
    """
    driver = _driver(connection)
    if driver is None:
        with connection.cursor() as django_cursor:
            django_cursor.execute(sql, params)
            return int(django_cursor.rowcount)
    try:
        count: int = driver.run(sql, params).rowcount
    except Exception:
        with connection.wrap_database_errors:
            raise
    return count


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
    driver = _driver(connection)
    if driver is None:
        with connection.cursor() as django_cursor:
            django_cursor.executemany(sql, rows)
            return int(django_cursor.rowcount)
    with connection.wrap_database_errors:
        return int(driver.run_all(sql, rows).rowcount)


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


def time_parameter(connection: BaseDatabaseWrapper, value: datetime) -> Any:
    """An aware time as this database takes it in raw SQL."""
    if connection.vendor == "sqlite" and value.tzinfo is UTC and connection.timezone is UTC:
        return str(value)[:-6]  # as Django writes it, which converts it first: without "+00:00"
    return connection.ops.adapt_datetimefield_value(value)


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


def as_octets(value: Any) -> bytes:
    """The bytes of a binary column; none for a value of another type, as SQLite takes it from SQL.

    No bytes that we write are empty, so none never passes for something genuine.
    """
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else b""
