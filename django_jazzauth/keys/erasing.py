"""Deleting keys so that they are gone from the database's files, too, where that can be had."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def erasing(alias: str) -> Iterator[None]:
    """A transaction whose deletions leave no readable remains in a copy of SQLite's file.

    SQLite overwrites what is deleted with zeros inside this block, and empties its write-ahead log
    afterwards unless others are reading. On PostgreSQL and MariaDB a dump holds no deleted rows;
    the files do until vacuum or purge, and archived logs for as long as they are kept.

    Args:
        alias: database alias.
    """
    connection = connections[alias]
    if connection.vendor != "sqlite":
        with transaction.atomic(using=alias):
            yield
        return
    outermost = not connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA secure_delete")
        before = cursor.fetchone()[0]
        cursor.execute("PRAGMA secure_delete = ON")
    try:
        with transaction.atomic(using=alias):
            yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA secure_delete = {int(before)}")
    if outermost:
        _empty_log(connection)


def _empty_log(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        patience = cursor.fetchone()[0]
        # It holds the writers up while it waits for readers; so it does not wait.
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except OperationalError:
            return  # others use the log; the next checkpoint does it
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(patience)}")
