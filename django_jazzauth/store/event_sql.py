"""SQL of the event table, per database."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ..drivers import as_octets, execute, execute_all, fetch_all, is_among, uuid_parameter

_COLUMNS = "stream, version, type, schema, key_id, recorded_at, digest, payload, txid"
_ROW = {
    "stream": "text",
    "version": "int",
    "type": "text",
    "schema": "int",
    "key_id": "uuid",
    "recorded_at": "bigint",
    "digest": "bytea",
    "payload": "bytea",
    "previous": "bytea",
}
_CHUNK = 400
_TOGETHER = 20
_QUOTED = {"postgresql": '"', "sqlite": '"', "mysql": "`"}


class EventRow(msgspec.Struct, frozen=True):
    """The plain columns and the sealed payload of one event that is about to be appended."""

    stream: str
    version: int
    type: str
    schema: int
    key_id: bytes
    recorded_at: int
    digest: bytes
    payload: bytes
    previous: bytes


@lru_cache
def _insert_sql(vendor: str, first: bool, count: int) -> str:
    """The INSERT of one row, or of ``count`` (on PostgreSQL: of any number, as arrays)."""
    # The two EXISTS are what makes caching keys safe: an event can only be written under a data
    # key that is alive and while the writer knows the current epoch, whatever another process (or
    # a rolled-back test) did since the keys were read. No row means: look again.
    quote = _QUOTED[vendor]
    columns = ", ".join(f"{quote}{name}{quote}" for name in _COLUMNS.split(", "))
    # Law 9: a reader that follows the log must not skip an event that commits late. On PostgreSQL
    # it reads only what lies below pg_snapshot_xmin, by this transaction id; on SQLite and MariaDB
    # there is one writer at a time, so positions are given in the order of commits.
    txid = "pg_current_xact_id()::text::bigint" if vendor == "postgresql" else "0"
    many = count > 1
    values = ", ".join(f"v.{name}" for name in [*_ROW][:8]) if many else ", ".join(["%s"] * 8)
    key_id, stream, version, previous = (
        ("v.key_id", "v.stream", "v.version - 1", "v.previous") if many else ("%s",) * 4
    )
    # An event follows the one that its writer saw, and that one must have been committed: an
    # instance may remember a version whose savepoint was rolled back.
    chained = (
        ""
        if first
        else f" AND EXISTS (SELECT 1 FROM jazzauth_event p WHERE p.stream = {stream} "  # noqa: S608
        f"AND p.version = {version} AND p.digest = {previous})"
    )
    verb, source, conflict = (
        ("INSERT IGNORE", "FROM DUAL ", "")
        if vendor == "mysql"
        else ("INSERT", "", " ON CONFLICT DO NOTHING")
    )
    order = ""
    if many and vendor == "postgresql":  # in the caller's order, which keeps from deadlocks
        arrays = ", ".join(f"%b::{kind}[]" for kind in _ROW.values())
        source = f"FROM unnest({arrays}) WITH ORDINALITY AS v({', '.join(_ROW)}, place) "
        order = " ORDER BY v.place"
    elif many:
        named = ", ".join(f"%s AS {name}" for name in _ROW)
        others = f" UNION ALL SELECT {', '.join(['%s'] * len(_ROW))}" * (count - 1)
        source = f"FROM (SELECT {named}{others}) v "
    return (
        f"{verb} INTO jazzauth_event ({columns}) "  # noqa: S608 - constants only
        f"SELECT {values}, {txid} {source}"
        f"WHERE EXISTS (SELECT 1 FROM jazzauth_data_key WHERE id = {key_id} "
        "AND destroyed_at IS NULL) "
        "AND EXISTS (SELECT 1 FROM jazzauth_epoch WHERE id = %s AND superseded_at IS NULL)"
        f"{chained}{order}{conflict}"
    )


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


def insert_events(alias: str, rows: Sequence[EventRow], epoch_id: bytes) -> int:
    """Append rows that can be; see ``written_digests`` for which were.

    Left out is a row whose version is taken, whose predecessor is not in the log, or whose keys are
    gone.

    Args:
        alias: database alias.
        rows: the events.
        epoch_id: 16-byte id of the epoch that their keys were read under.

    Returns:
        The number of rows written.
    """
    connection = connections[alias]
    vendor = connection.vendor
    epoch = uuid_parameter(connection, epoch_id)
    count = 0
    for first in (True, False):
        some = [row for row in rows if (row.version == 1) is first]
        if len(some) > 1 and vendor == "postgresql":
            sql = _insert_sql(vendor, first, 2)
            count += execute(connection, sql, [*_arrays(connection, some), epoch])
            continue
        # SQLite is faster with some rows in one statement. MariaDB would mix up collations.
        together = _TOGETHER if vendor == "sqlite" else 1
        whole = len(some) - len(some) % together
        if together > 1 and whole:
            groups = [
                [*(v for row in some[n : n + together] for v in _values(connection, row)), epoch]
                for n in range(0, whole, together)
            ]
            count += execute_all(connection, _insert_sql(vendor, first, together), groups)
            some = some[whole:]
        if some:
            params = [_params(connection, row, epoch) for row in some]
            count += execute_all(connection, _insert_sql(vendor, first, 1), params)
    return count


def _arrays(connection: BaseDatabaseWrapper, rows: Sequence[EventRow]) -> list[list[Any]]:
    values = (_values(connection, row) for row in rows)
    return [list(column) for column in zip(*values, strict=True)]


def _values(connection: BaseDatabaseWrapper, row: EventRow) -> tuple[Any, ...]:
    """What a row brings, in the order of ``_ROW``."""
    return (
        row.stream,
        row.version,
        row.type,
        row.schema,
        uuid_parameter(connection, row.key_id),
        row.recorded_at,
        row.digest,
        row.payload,
        row.previous,
    )


def _params(connection: BaseDatabaseWrapper, row: EventRow, epoch: Any) -> tuple[Any, ...]:
    values = _values(connection, row)
    params = (*values[:8], values[4], epoch)
    return params if row.version == 1 else (*params, row.stream, row.version - 1, row.previous)


def written_digests(alias: str, rows: Sequence[EventRow]) -> set[bytes]:
    """Digests of those of ``rows`` that stand in the log."""
    found = _by_streams(
        alias,
        "SELECT digest FROM jazzauth_event WHERE {among}",
        [row.stream for row in rows],
    )
    return {as_octets(digest) for (digest,) in found}


def stands_in_log(alias: str, stream: str, version: int, digest: bytes) -> bool:
    """Whether the log holds exactly this event."""
    rows = fetch_all(
        connections[alias],
        "SELECT digest FROM jazzauth_event WHERE stream = %s AND version = %s",
        [stream, version],
    )
    return bool(rows) and bytes(rows[0][0]) == digest


def keys_are_live(alias: str, key_ids: set[bytes], epoch_id: bytes) -> bool:
    """Whether the epoch is current and every data key exists and is not destroyed."""
    connection = connections[alias]
    # What others committed since the transaction began counts: the INSERT saw it, too.
    newest = " LOCK IN SHARE MODE" if connection.vendor == "mysql" else ""
    current = fetch_all(
        connection,
        "SELECT 1 FROM jazzauth_epoch "  # noqa: S608 - constants only
        f"WHERE id = %s AND superseded_at IS NULL{newest}",
        [uuid_parameter(connection, epoch_id)],
    )
    if not current:
        return False
    ids = [uuid_parameter(connection, key_id) for key_id in key_ids]
    alive = 0
    for start in range(0, len(ids), _CHUNK):
        condition, params = is_among(connection, "id", ids[start : start + _CHUNK])
        alive += fetch_all(
            connection,
            "SELECT COUNT(*) FROM jazzauth_data_key "  # noqa: S608 - constants only
            f"WHERE destroyed_at IS NULL AND {condition}{newest}",
            params,
        )[0][0]
    return alive == len(ids)


def last_events(alias: str, streams: Sequence[str]) -> dict[str, tuple[int, bytes, int, str]]:
    """The newest event of each stream: version, digest, recorded_at, type."""
    found = _by_streams(
        alias,
        "SELECT e.stream, e.version, e.digest, e.recorded_at, e.type "
        "FROM jazzauth_event e JOIN (SELECT stream, MAX(version) AS version "
        "FROM jazzauth_event WHERE {among} GROUP BY stream) n "
        "ON n.stream = e.stream AND n.version = e.version",
        streams,
    )
    return {
        stream: (version, as_octets(digest), recorded_at, type_)
        for stream, version, digest, recorded_at, type_ in found
    }


def _by_streams(alias: str, sql: str, streams: Sequence[str]) -> list[tuple[Any, ...]]:
    connection = connections[alias]
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(streams), _CHUNK):
        condition, params = is_among(connection, "stream", streams[start : start + _CHUNK])
        found += fetch_all(connection, sql.format(among=condition), params)
    return found
