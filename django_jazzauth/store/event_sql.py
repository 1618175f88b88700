"""SQL of the event table, per database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from .drivers import execute_all

_uuid = models.UUIDField()
_COLUMNS = "stream, version, type, schema, key_id, recorded_at, digest, payload, txid"
_QUOTED = {"postgresql": '"', "sqlite": '"', "mysql": "`"}


@dataclass(frozen=True, slots=True)
class EventRow:
    """The plain columns and the sealed payload of one event that is about to be appended."""

    stream: str
    version: int
    type: str
    schema: int
    key_id: UUID
    recorded_at: int
    digest: bytes
    payload: bytes
    previous: bytes


@lru_cache
def _insert_sql(vendor: str, first: bool) -> str:
    # The two EXISTS are what makes caching keys safe: an event can only be written under a data
    # key that is alive and while the writer knows the current epoch, whatever another process (or
    # a rolled-back test) did since the keys were read. No row means: look again.
    quote = _QUOTED[vendor]
    columns = ", ".join(f"{quote}{name}{quote}" for name in _COLUMNS.split(", "))
    # Law 9: a reader that follows the log must not skip an event that commits late. On PostgreSQL
    # it reads only what lies below pg_snapshot_xmin, by this transaction id; on SQLite and MariaDB
    # there is one writer at a time, so positions are given in the order of commits.
    txid = "pg_current_xact_id()::text::bigint" if vendor == "postgresql" else "0"
    # An event follows the one that its writer saw, and that one must have been committed: an
    # instance may remember a version whose savepoint was rolled back.
    chained = (
        ""
        if first
        else " AND EXISTS (SELECT 1 FROM jazzauth_event p WHERE p.stream = %s AND p.version = %s "
        "AND p.digest = %s)"
    )
    verb, source, conflict = (
        ("INSERT IGNORE", "FROM DUAL ", "")
        if vendor == "mysql"
        else ("INSERT", "", " ON CONFLICT DO NOTHING")
    )
    return (
        f"{verb} INTO jazzauth_event ({columns}) "  # noqa: S608 - constants only
        f"SELECT %s, %s, %s, %s, %s, %s, %s, %s, {txid} {source}"
        "WHERE EXISTS (SELECT 1 FROM jazzauth_data_key WHERE id = %s AND destroyed_at IS NULL) "
        "AND EXISTS (SELECT 1 FROM jazzauth_epoch WHERE id = %s AND superseded_at IS NULL)"
        f"{chained}{conflict}"
    )


def uuid_param(connection: BaseDatabaseWrapper, value: UUID) -> Any:
    """A UUID as this database takes it in raw SQL."""
    return _uuid.get_db_prep_value(value, connection)


def hold_writer_lock(connection: BaseDatabaseWrapper) -> None:
    """Make this transaction the only writer where positions need that (MariaDB).

    SQLite has one writer anyway; the statement there takes its lock before the first read, so that
    a read-then-write transaction cannot fail on a snapshot that went stale in between.
    """
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            # The first epoch's row stands for ever: a rotation changes others.
            cursor.execute("SELECT id FROM jazzauth_epoch WHERE number = 1 FOR UPDATE")
            cursor.fetchall()
    elif connection.vendor == "sqlite" and not _began_immediate(connection):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE jazzauth_epoch SET number = number WHERE 0")


def hold_table(connection: BaseDatabaseWrapper, table: str, column: str) -> None:
    """Before rows are read to be changed: take SQLite's writer lock, through their own table.

    An update that finds no rows must not need the store's tables: another app's migration may run
    before those are there.
    """
    if connection.vendor == "sqlite" and not _began_immediate(connection):
        quote = connection.ops.quote_name
        name = quote(column)
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {quote(table)} SET {name} = {name} WHERE 0")  # noqa: S608


def _began_immediate(connection: BaseDatabaseWrapper) -> bool:
    # Such transactions took the lock when they began.
    mode = getattr(connection, "transaction_mode", None)
    return mode in ("IMMEDIATE", "EXCLUSIVE") and not connection.get_autocommit()


def insert_events(alias: str, rows: Sequence[EventRow], epoch_id: UUID) -> int:
    """Append rows that can be; see ``written_digests`` for which were.

    Left out is a row whose version is taken, whose predecessor is not in the log, or whose keys are
    gone.

    Returns:
        The number of rows written.
    """
    connection = connections[alias]
    epoch = uuid_param(connection, epoch_id)
    count = 0
    for first in (True, False):
        params = [_params(connection, row, epoch) for row in rows if (row.version == 1) is first]
        if params:
            count += execute_all(connection, _insert_sql(connection.vendor, first), params)
    return count


def _params(connection: BaseDatabaseWrapper, row: EventRow, epoch: Any) -> tuple[Any, ...]:
    key = uuid_param(connection, row.key_id)
    params = (
        row.stream,
        row.version,
        row.type,
        row.schema,
        key,
        row.recorded_at,
        row.digest,
        row.payload,
        key,
        epoch,
    )
    if row.version == 1:
        return params
    return (*params, row.stream, row.version - 1, row.previous)


def written_digests(alias: str, rows: Sequence[EventRow]) -> set[bytes]:
    """Digests of those of ``rows`` that stand in the log."""
    connection = connections[alias]
    found: set[bytes] = set()
    with connection.cursor() as cursor:
        for start in range(0, len(rows), 400):
            chunk = [row.stream for row in rows[start : start + 400]]
            marks = ", ".join(["%s"] * len(chunk))
            cursor.execute(
                f"SELECT digest FROM jazzauth_event WHERE stream IN ({marks})",  # noqa: S608
                chunk,
            )
            found.update(bytes(digest) for (digest,) in cursor.fetchall())
    return found


def stands_in_log(alias: str, stream: str, version: int, digest: bytes) -> bool:
    """Whether the log holds exactly this event."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT digest FROM jazzauth_event WHERE stream = %s AND version = %s",
            [stream, version],
        )
        row = cursor.fetchone()
    return row is not None and bytes(row[0]) == digest


def keys_are_live(alias: str, key_ids: set[UUID], epoch_id: UUID) -> bool:
    """Whether the epoch is current and every data key exists and is not destroyed."""
    connection = connections[alias]
    ids = [uuid_param(connection, key_id) for key_id in key_ids]
    # What others committed since the transaction began counts: the INSERT saw it, too.
    newest = " LOCK IN SHARE MODE" if connection.vendor == "mysql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM jazzauth_epoch "  # noqa: S608 - constants only
            f"WHERE id = %s AND superseded_at IS NULL{newest}",
            [uuid_param(connection, epoch_id)],
        )
        if cursor.fetchone() is None:
            return False
        alive = 0
        for start in range(0, len(ids), 400):
            chunk = ids[start : start + 400]
            marks = ", ".join(["%s"] * len(chunk))
            cursor.execute(
                "SELECT COUNT(*) FROM jazzauth_data_key "  # noqa: S608 - marks only
                f"WHERE destroyed_at IS NULL AND id IN ({marks}){newest}",
                chunk,
            )
            alive += cursor.fetchone()[0]
    return alive == len(ids)


def last_events(alias: str, streams: Sequence[str]) -> dict[str, tuple[int, bytes, int, str]]:
    """The newest event of each stream: version, digest, recorded_at, type."""
    connection = connections[alias]
    last: dict[str, tuple[int, bytes, int, str]] = {}
    with connection.cursor() as cursor:
        for start in range(0, len(streams), 400):
            chunk = list(streams[start : start + 400])
            marks = ", ".join(["%s"] * len(chunk))
            cursor.execute(
                "SELECT e.stream, e.version, e.digest, e.recorded_at, e.type "  # noqa: S608
                "FROM jazzauth_event e JOIN (SELECT stream, MAX(version) AS version "
                f"FROM jazzauth_event WHERE stream IN ({marks}) GROUP BY stream) n "
                "ON n.stream = e.stream AND n.version = e.version",
                chunk,
            )
            for stream, version, digest, recorded_at, type_ in cursor.fetchall():
                last[stream] = (version, bytes(digest), recorded_at, type_)
    return last
