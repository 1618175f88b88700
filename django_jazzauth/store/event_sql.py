"""SQL of the event table, per database."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any
from uuid import UUID

import msgspec
from django.db import DataError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from msgspec.structs import astuple

from ..drivers import as_octets, execute, execute_all, fetch_all, is_among, uuid_parameter
from ..keys.opened import CurrentEpoch
from ..keys.sql import NewDataKey, data_key_params, insert_data_keys_sql
from ..turns import take_turn

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
def _insert_sql(
    vendor: str, first: bool, count: int, with_key: bool = False, held: bool = False
) -> str:
    """The INSERT of one row, or of ``count`` (on PostgreSQL: of any number, as arrays).

    Args:
        vendor: of the database.
        first: the rows begin their streams.
        count: of rows.
        with_key: the data key is what the same statement stored as ``k``.
        held: the row of the entity is what the same statement locked as ``r``.
    """
    quote = _QUOTED[vendor]
    columns = ", ".join(f"{quote}{name}{quote}" for name in _COLUMNS.split(", "))
    # Law 9: a reader that follows the log must not skip an event that commits late. On SQLite and
    # MariaDB there is one writer at a time, so positions are given in the order of commits. On
    # PostgreSQL readers come back to gaps (relay/tail.py). Waiting until the id is below
    # pg_snapshot_xmin would wait for forgotten transactions in every database of the server; the
    # id says which events were committed together, and checkpoints sign it.
    txid = "pg_current_xact_id()::text::bigint" if vendor == "postgresql" else "0"
    many = count > 1
    values = ", ".join(f"v.{name}" for name in [*_ROW][:8]) if many else ", ".join(["%s"] * 8)
    verb, source, conflict = (
        ("INSERT IGNORE", "FROM DUAL ", "")
        if vendor == "mysql"
        else ("INSERT", "FROM k " if with_key else "", " ON CONFLICT DO NOTHING")
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
    conditions = " AND ".join(_conditions(many, first, with_key, held))
    return (
        f"{verb} INTO jazzauth_event ({columns}) "
        f"SELECT {values}, {txid} {source}WHERE {conditions}{order}{conflict}"
    )


def _conditions(many: bool, first: bool, with_key: bool, held: bool) -> list[str]:
    """What has to be true for an event to be written, as the INSERT itself looks it up.

    This is what makes caching keys safe: an event can only be written under a data key that is
    alive and while the writer knows the current epoch and what is to be known of the index keys,
    whatever another process (or a rolled-back test) did since the keys were read. No row means:
    look again. A single row's parameters come in this order, see ``_single``.
    """
    key_id, stream, version, previous = (
        ("v.key_id", "v.stream", "v.version - 1", "v.previous") if many else ("%s",) * 4
    )
    conditions = ["EXISTS (SELECT 1 FROM r)"] if held else []
    if not with_key:
        conditions.append(
            "EXISTS (SELECT 1 FROM jazzauth_data_key "  # noqa: S608 - constants only
            f"WHERE id = {key_id} AND destroyed_at IS NULL)"
        )
    conditions.append(
        "EXISTS (SELECT 1 FROM jazzauth_epoch WHERE id = %s AND superseded_at IS NULL "
        "AND index_state = %s)"
    )
    if not first:
        # An event follows the one that its writer saw, and that one must have been committed: an
        # instance may remember a version whose savepoint was rolled back.
        conditions.append(
            f"EXISTS (SELECT 1 FROM jazzauth_event p WHERE p.stream = {stream} "  # noqa: S608
            f"AND p.version = {version} AND p.digest = {previous})"
        )
    return conditions


# An event whose row was not written must not stay: the division undoes the whole statement.
_BOTH_OR_NEITHER = (
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM e) THEN 1 / (SELECT COUNT(*) FROM u) ELSE 0 END"
)
_DIVISION_BY_ZERO = "22012"


class RowWrite(msgspec.Struct, frozen=True):
    """A statement that writes one row of a projection, for ``insert_with_row``.

    Attributes:
        sql: the statement.
        params: its parameters.
        held: a SELECT that locks the row if it is there as it is expected; none for a new row.
        held_params: its parameters.
    """

    sql: str
    params: Sequence[Any]
    held: str | None = None
    held_params: Sequence[Any] = ()

    def __repr__(self) -> str:
        return f"<RowWrite {self.sql}>"


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
        take_turn(connection)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE jazzauth_epoch SET number = number WHERE 0")


def hold_table(connection: BaseDatabaseWrapper, table: str, column: str) -> None:
    """Before rows are read to be changed: take SQLite's writer lock, through their own table.

    An update that finds no rows must not need the store's tables: another app's migration may run
    before those are there.
    """
    if connection.vendor == "sqlite" and not _began_immediate(connection):
        take_turn(connection)
        quote = connection.ops.quote_name
        name = quote(column)
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {quote(table)} SET {name} = {name} WHERE 0")  # noqa: S608


def _began_immediate(connection: BaseDatabaseWrapper) -> bool:
    # Such transactions took the lock when they began.
    mode = getattr(connection, "transaction_mode", None)
    return mode in ("IMMEDIATE", "EXCLUSIVE") and (
        connection.in_atomic_block or not connection.get_autocommit()
    )


def insert_events(
    connection: BaseDatabaseWrapper, rows: Sequence[EventRow], current: CurrentEpoch
) -> int:
    """Append rows that can be; see ``written_digests`` for which were.

    Left out is a row whose version is taken, whose predecessor is not in the log, or whose keys are
    gone.

    Args:
        connection: the database.
        rows: the events.
        current: the epoch that their keys were read under.

    Returns:
        The number of rows written.
    """
    vendor = connection.vendor
    epoch = (uuid_parameter(connection, current.id), current.index_state)
    native_uuid = connection.features.has_native_uuid_field
    if len(rows) == 1:
        sql = _insert_sql(vendor, rows[0].version == 1, 1)
        return execute(connection, sql, _single(_values(rows, native_uuid)[0], epoch))
    count = 0
    for first in (True, False):
        some = [row for row in rows if (row.version == 1) is first]
        values = _values(some, native_uuid)
        if len(some) > 1 and vendor == "postgresql":
            sql = _insert_sql(vendor, first, 2)
            arrays = [list(column) for column in zip(*values, strict=True)]
            count += execute(connection, sql, [*arrays, *epoch])
            continue
        # SQLite is faster with some rows in one statement. MariaDB would mix up collations.
        together = _TOGETHER if vendor == "sqlite" else 1
        whole = len(values) - len(values) % together
        if together > 1 and whole:
            groups = _in_groups(values[:whole], together, epoch)
            count += execute_all(connection, _insert_sql(vendor, first, together), groups)
            values = values[whole:]
        if values:
            params = [_single(one, epoch) for one in values]
            count += execute_all(connection, _insert_sql(vendor, first, 1), params)
    return count


def _in_groups(values: list[tuple[Any, ...]], size: int, epoch: tuple[Any, int]) -> list[list[Any]]:
    return [
        [*chain.from_iterable(values[start : start + size]), *epoch]
        for start in range(0, len(values), size)
    ]


def _values(rows: Sequence[EventRow], native_uuid: bool) -> list[tuple[Any, ...]]:
    """What rows bring, in the order of ``_ROW``."""
    values = []
    for row in rows:
        one = astuple(row)
        key_id = row.key_id
        values.append((*one[:4], UUID(bytes=key_id) if native_uuid else key_id.hex(), *one[5:]))
    return values


def _single(
    values: tuple[Any, ...], epoch: tuple[Any, int], with_key: bool = False
) -> tuple[Any, ...]:
    stream, version, *_, previous = values
    params = (*values[:8], *epoch) if with_key else (*values[:8], values[4], *epoch)
    return params if version == 1 else (*params, stream, version - 1, previous)


def insert_with_row(
    alias: str,
    row: EventRow,
    current: CurrentEpoch,
    write: RowWrite,
    key: NewDataKey | None = None,
) -> int:
    """Append one event and write what follows from it in one statement (PostgreSQL).

    Outside a transaction either both are written or neither is. Inside of one there may be an event
    without its row, if ``write`` found none; the caller has to look.

    Args:
        alias: database alias.
        row: the event.
        current: the epoch that its keys were read under.
        write: the row of its entity; it goes by the rows of ``e``, of which there is one if the
            event was written, and none if it was not.
        key: the event's data key, to be stored first.

    Returns:
        The number of rows of ``write`` that were written.
    """
    connection = connections[alias]
    epoch = (uuid_parameter(connection, current.id), current.index_state)
    with_key = key is not None
    before = "WITH "
    params: list[Any] = []
    held = write.held is not None
    if held:
        # The row first and the event after it, as whoever deletes or has selected it for update:
        # two that took them in different orders would wait for each other.
        before = f"WITH r AS ({write.held}), "
        params += write.held_params
    if key is not None:
        before = f"{before}k AS ({insert_data_keys_sql(connection.vendor, 1)} RETURNING id), "
        params += data_key_params(connection, epoch[0], [key])
    event = _insert_sql(connection.vendor, row.version == 1, 1, with_key, held)
    params += _single(_values([row], native_uuid=True)[0], epoch, with_key)
    params += write.params
    before = f"{before}e AS ({event} RETURNING 1)"
    if connection.in_atomic_block or row.version == 1:  # a new row fails only with an error
        return execute(connection, f"{before} {write.sql}", params)
    sql = f"{before}, u AS ({write.sql} RETURNING 1) {_BOTH_OR_NEITHER}"
    try:
        return int(fetch_all(connection, sql, params)[0][0])
    except DataError as error:
        if getattr(error.__cause__, "sqlstate", None) != _DIVISION_BY_ZERO:
            raise
        return 0


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


def keys_are_live(alias: str, key_ids: set[bytes], current: CurrentEpoch) -> bool:
    """Whether the epoch is in use as it was read, and every data key is there, not destroyed."""
    connection = connections[alias]
    # What others committed since the transaction began counts: the INSERT saw it, too.
    newest = " LOCK IN SHARE MODE" if connection.vendor == "mysql" else ""
    found = fetch_all(
        connection,
        "SELECT 1 FROM jazzauth_epoch "  # noqa: S608 - constants only
        f"WHERE id = %s AND superseded_at IS NULL AND index_state = %s{newest}",
        [uuid_parameter(connection, current.id), current.index_state],
    )
    if not found:
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


def last_position(alias: str) -> int:
    """The highest position in the log; 0 if it is empty."""
    rows = fetch_all(connections[alias], "SELECT MAX(position) FROM jazzauth_event", [])
    return int(rows[0][0] or 0)


def _by_streams(alias: str, sql: str, streams: Sequence[str]) -> list[tuple[Any, ...]]:
    connection = connections[alias]
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(streams), _CHUNK):
        condition, params = is_among(connection, "stream", streams[start : start + _CHUNK])
        found += fetch_all(connection, sql.format(among=condition), params)
    return found
