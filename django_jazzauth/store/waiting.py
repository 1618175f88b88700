"""Waiting until a write is as safe as its writer needs it: ``store.wait``."""

from __future__ import annotations

import os
import time
from typing import Any, Literal

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ..conf import get_settings
from ..errors import NeverExisted, NotDurable, NotReplicated, StoreError
from .events import Event
from .history import address
from .models import EVENT_TABLE, RelayCursor
from .relay.cursor import beyond, place_of

Tier = Literal["local", "replicated"]

_SHORTEST, _LONGEST = 0.002, 0.1


def wait(
    target: Any = None,
    *,
    tier: Tier,
    timeout: float = 10.0,
    using: str = "default",
) -> None:
    """Return when what was written is safe; the write itself was committed before.

    ``local``: it survives that this machine loses power, as far as its disks keep what they say
    they wrote. On SQLite its write-ahead log is flushed; on PostgreSQL a commit is made that
    flushes the log, also if ``synchronous_commit`` is off; on MariaDB it asks whether
    ``innodb_flush_log_at_trx_commit`` is 1.

    ``replicated``: the relay has the acknowledgement of NATS JetStream, so it is also stored on
    the servers that keep the stream, whatever becomes of this one.

    Args:
        target: an instance of an event-sourced model, or an ``Event``; None: all that is
            committed now.
        tier: how safe.
        timeout: seconds.
        using: database alias; an instance brings its own.

    Raises:
        NotReplicated: the relay did not get that far in time. The write stands, here.
        NotDurable: the database may lose it, and cannot be told not to.
        StoreError: a transaction is open, so that nothing is committed yet.
        NeverExisted: the instance has no events.
    """
    alias = using
    stream: str | None = None
    if target is not None and not isinstance(target, Event):
        projector, key, alias = address(target, None, None)
        stream = projector.stream(key)
    connection = connections[alias]
    if connection.in_atomic_block:
        raise StoreError(
            "Inside a transaction nothing is committed yet: call wait() after it, or from "
            "transaction.on_commit()."
        )
    if tier == "local":
        _flush(connection)
        return
    if tier != "replicated":
        raise ValueError('tier is "local" or "replicated".')
    position = target.position if isinstance(target, Event) else _newest(connection, stream)
    # One event, or all up to the newest: late ones have positions below.
    condition = "position = %s" if target is not None else "position <= %s"
    _wait_for_relay(alias, position, condition, timeout)


def _newest(connection: BaseDatabaseWrapper, stream: str | None) -> int:
    with connection.cursor() as cursor:
        if stream is None:
            cursor.execute(f"SELECT MAX(position) FROM {EVENT_TABLE}")  # noqa: S608
        else:
            cursor.execute(
                f"SELECT position FROM {EVENT_TABLE} WHERE stream = %s "  # noqa: S608
                "ORDER BY version DESC LIMIT 1",
                [stream],
            )
        row = cursor.fetchone()
    if stream is not None and row is None:
        raise NeverExisted(f"{stream} never existed.")
    return int(row[0] or 0)


def _wait_for_relay(alias: str, position: int, condition: str, timeout: float) -> None:
    name = get_settings().RELAY.NAME
    ends = time.monotonic() + timeout
    pause = _SHORTEST
    while True:
        row = RelayCursor.objects.using(alias).filter(name=name).first()
        if row is not None and row.high >= position:
            missing, params = beyond(place_of(row))
            with connections[alias].cursor() as cursor:
                cursor.execute(
                    f"SELECT 1 FROM {EVENT_TABLE} WHERE {condition} "  # noqa: S608
                    f"AND {missing} LIMIT 1",
                    [position, *params],
                )
                if cursor.fetchone() is None:
                    return
        left = ends - time.monotonic()
        if left <= 0:
            where = "it never ran" if row is None else f"it is at position {row.high}"
            raise NotReplicated(
                f"The relay {name} did not publish position {position} within {timeout:g} seconds; "
                f"{where}. Run `manage.py jazzauth relay`; `relay --status` says more."
            )
        time.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST)


def _flush(connection: BaseDatabaseWrapper) -> None:
    if connection.vendor == "sqlite":
        _flush_sqlite(connection)
    elif connection.vendor == "postgresql":
        _flush_postgresql(connection)
    elif connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@innodb_flush_log_at_trx_commit")
            if cursor.fetchone()[0] != 1:
                raise NotDurable(
                    "MariaDB flushes its log once a second: set innodb_flush_log_at_trx_commit = 1."
                )


def _flush_sqlite(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous")
        synchronous = cursor.fetchone()[0]
        cursor.execute("PRAGMA journal_mode")
        journal = cursor.fetchone()[0]
        cursor.execute("PRAGMA database_list")
        file = next((row[2] for row in cursor.fetchall() if row[1] == "main"), "")
    full = 2
    if synchronous >= full:
        return  # every commit did it
    if journal != "wal" or not file:
        raise NotDurable("The SQLite database is in memory, or not in WAL mode.")
    # Commits are frames in the write-ahead log; what a checkpoint moved out of it since, that
    # checkpoint has flushed. SQLite locks no bytes of this file, so closing it drops no lock.
    try:
        descriptor = os.open(f"{file}-wal", os.O_RDWR)
    except FileNotFoundError:
        return  # the last connection moved everything into the database, and flushed it
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_postgresql(connection: BaseDatabaseWrapper) -> None:
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
        fsync, commit = cursor.fetchone()
        if fsync != "on":
            raise NotDurable("PostgreSQL runs with fsync = off: it may lose what it committed.")
        if commit == "off":
            cursor.execute("SET LOCAL synchronous_commit = on")
        # Whoever wrote it may have switched that off for a transaction. This one writes as little
        # as can be, and its commit flushes the log up to here, with all that was committed before.
        cursor.execute("SELECT pg_logical_emit_message(true, 'jazzauth', '')")
