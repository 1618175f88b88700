"""Waiting for transactions that go on with what they saw when they began."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass

from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

# MariaDB shows its transactions as they were, until nobody has asked for a tenth of a second.
_PAUSE = 0.15
_FOREVER = datetime.datetime(9999, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class StillOpen:
    """Transactions that did not end: how many at least, and when the oldest began, if known."""

    count: int
    since: datetime.datetime | None

    def __str__(self) -> str:
        since = "" if self.since is None else f", the oldest since {self.since:%Y-%m-%d %H:%M:%S}"
        return f"still open{since}"


def wait_for_transactions(
    alias: str, patience: float, before: datetime.datetime = _FOREVER
) -> StillOpen | None:
    """Wait until the transactions that are open now have ended.

    Those of other databases of the server are left out. PostgreSQL shows those of the own role, or
    of all with ``pg_read_all_stats``; MariaDB shows them to who has the right ``PROCESS``, and
    nobody waits otherwise. SQLite says whether somebody reads what is no longer the newest, if it
    has a write-ahead log; without one nobody can.

    Args:
        alias: database alias.
        patience: seconds to wait at most.
        before: wait only for what began before this moment (PostgreSQL).

    Returns:
        Those that did not end; None: all did.
    """
    connection = connections[alias]
    now = _now(connection)
    ends = time.monotonic() + patience
    while True:
        left = _older(connection, now, before)
        if left is None or time.monotonic() >= ends:
            return left
        time.sleep(_PAUSE)


def _now(connection: BaseDatabaseWrapper) -> datetime.datetime | None:
    if connection.vendor == "sqlite":
        return None
    sql = "SELECT clock_timestamp()" if connection.vendor == "postgresql" else "SELECT NOW()"
    with connection.cursor() as cursor:
        cursor.execute(sql)
        now: datetime.datetime = cursor.fetchone()[0]
    return now


def _older(
    connection: BaseDatabaseWrapper, now: datetime.datetime | None, before: datetime.datetime
) -> StillOpen | None:
    if connection.vendor == "sqlite":
        return _old_readers(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT count(*), min(xact_start) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND backend_type = 'client backend' AND xact_start < %s AND xact_start < %s",
                [now, before],
            )
        else:
            try:
                cursor.execute(
                    "SELECT COUNT(*), MIN(trx_started) FROM information_schema.innodb_trx "
                    "JOIN information_schema.processlist ON id = trx_mysql_thread_id "
                    "WHERE id <> CONNECTION_ID() AND (db = DATABASE() OR db IS NULL) "
                    "AND trx_started <= %s",
                    [now],
                )
            except OperationalError:
                return None
        count, oldest = cursor.fetchone()
    if not count:
        return None
    return StillOpen(count, oldest)


def _old_readers(connection: BaseDatabaseWrapper) -> StillOpen | None:
    if connection.in_atomic_block:
        return None  # SQLite refuses to say it within a transaction; only tests come here
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        patience = cursor.fetchone()[0]
        # It holds the writers up while it waits for readers; so it does not wait.
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            cursor.execute("PRAGMA wal_checkpoint(FULL)")
            busy = cursor.fetchone()[0]
        except OperationalError:
            busy = 1
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(patience)}")
    return StillOpen(1, None) if busy else None
