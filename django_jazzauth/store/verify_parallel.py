"""The walk over the streams, shared among processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

from django.db import connections

from ..errors import StoreError
from .problems import Report
from .verify_rows import RowChecks
from .verify_streams import Walk, pages

# What a process is given: streams beyond the first name, up to the second.
Share = tuple[str, str | None]


def walk_streams(
    alias: str, share: Share, report: Report, progress: Callable[[int], None] | None
) -> None:
    """Check the streams of a share and their rows, in this process."""
    walk, rows = Walk(alias, report), RowChecks(alias, report)
    for page in pages(alias, *share):
        for stream, newest in walk.page(page):
            rows.add(stream, newest)
        if progress is not None:
            progress(report.events)
    for stream, newest in walk.end():
        rows.add(stream, newest)
    rows.finish()


def walk_in_processes(
    alias: str, processes: int, report: Report, progress: Callable[[int], None] | None
) -> None:
    """Check all streams, in as many processes as are wanted.

    Args:
        alias: database alias; no transaction may be open on it.
        processes: how many.
        report: where problems go.
        progress: called with the number of events that were read.

    Raises:
        StoreError: a transaction is open, or a process died.
    """
    if connections[alias].in_atomic_block:
        raise StoreError("Other processes do not see what an open transaction wrote.")
    shares = _shares(alias, processes)
    # A forked process must not use, nor close, a connection that it shares with this one: not one
    # that is in use, and none that rests in a pool.
    connections.close_all()
    for connection in connections.all(initialized_only=True):
        if hasattr(connection, "close_pool"):
            connection.close_pool()
    fork = multiprocessing.get_context("fork")
    running: dict[Any, Any] = {}
    for share in shares:
        receiving, sending = fork.Pipe(duplex=False)
        process = fork.Process(target=_child, args=(alias, share, sending), daemon=True)
        process.start()
        sending.close()
        running[receiving] = process
    read: dict[Any, int] = {}
    try:
        while running:
            for ready in wait(list(running)):
                _received(ready, running, read, report)
            if progress is not None:
                progress(sum(read.values()))
    finally:
        for process in running.values():
            process.terminate()


def _received(
    receiving: Any, running: dict[Any, Any], read: dict[Any, int], report: Report
) -> None:
    try:
        said = receiving.recv()
    except EOFError:
        raise StoreError("A process of the verification died; run it with one.") from None
    if isinstance(said, int):
        read[receiving] = said
        return
    running.pop(receiving).join()
    if isinstance(said, BaseException):
        raise said
    read[receiving] = said.events
    report.add(said)


def _child(alias: str, share: Share, sending: Connection) -> None:
    report = Report()
    try:
        walk_streams(alias, share, report, sending.send)
        sending.send(report)
    except Exception as error:  # the parent raises it
        sending.send(error)
    finally:
        connections.close_all()
        sending.close()


def _shares(alias: str, processes: int) -> list[Share]:
    """Stretches of stream names with about as many events each."""
    bounds: list[str] = []
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM jazzauth_event")
        (count,) = cursor.fetchone()
        for part in range(1, processes):
            cursor.execute(
                "SELECT stream FROM jazzauth_event ORDER BY stream, version LIMIT 1 OFFSET %s",
                [count * part // processes],
            )
            row = cursor.fetchone()
            if row is not None and row[0] not in bounds:
                bounds.append(row[0])
    return list(zip(["", *bounds], [*bounds, None], strict=True))
