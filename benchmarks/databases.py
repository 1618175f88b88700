"""The databases: made once per side, engine and size, kept, and copied for each run.

A run works on a copy, so that what it writes does not wear the kept one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from .processes import Progress, WorkerProcess
from .sides import POSTGRESQL, SIDES, SQLITE, VAR

Sizes = dict[str, dict[str, int]]


class Shelf:
    """Where the databases are kept.

    Args:
        secret: text of the worker secret that opens the sealed ones; also an attribute.
        progress: told how far the filling of a database is: side and engine, what, done, total.
    """

    def __init__(self, secret: str, progress: Callable[[str, str, int, int], None]) -> None:
        self.secret = secret
        self._progress = progress
        VAR.mkdir(parents=True, exist_ok=True)

    def prepare(self, engine: str, users: int) -> None:
        """Make the databases of both sides, where they are not there yet."""
        for side in SIDES:
            self._kept(side, engine, users)

    def copy(self, side: str, engine: str, users: int, purpose: str = "run") -> str:
        """A fresh copy of the database with so many users; file or name of the copy.

        The database is made first if there is none, or if its tables are of another release.
        """
        kept = self._kept(side, engine, users)
        copy = _name(side, engine, purpose)
        _drop(engine, copy)
        if engine == SQLITE:
            shutil.copyfile(kept, copy)
        else:
            on_server(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(copy), sql.Identifier(kept)
                )
            )
        return copy

    def drop(self, side: str, engine: str, purpose: str = "run") -> None:
        """Throw the copy away."""
        _drop(engine, _name(side, engine, purpose))

    def sizes(self, side: str, engine: str, users: int) -> Sizes:
        """Bytes per table when it was ``empty``, with its ``users``, and with ``sessions``."""
        self._kept(side, engine, users)
        stamp = _read_stamp(side, engine, users)
        return {name: stamp["sizes"][name] for name in ("empty", "users", "sessions")}

    def _kept(self, side: str, engine: str, users: int) -> str:
        name = _name(side, engine, str(users))
        if not self._is_good(side, engine, users, name):
            _drop(engine, name)
            if engine == POSTGRESQL:
                on_server(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            with WorkerProcess(side, engine, name, self.secret) as worker:
                sizes = worker.ask("populate", self._told(side, engine), users=users)
                stamp = {"fingerprint": worker.ask("fingerprint"), "sizes": sizes}
            _stamp(side, engine, users).write_text(json.dumps(stamp, indent=1))
        return name

    def _told(self, side: str, engine: str) -> Progress:
        return lambda what, done, total: self._progress(f"{side}, {engine}", what, done, total)

    def _is_good(self, side: str, engine: str, users: int, name: str) -> bool:
        stamp = _read_stamp(side, engine, users)
        if not stamp or not _exists(engine, name):
            return False
        with WorkerProcess(side, engine, name, self.secret) as worker:
            if worker.ask("fingerprint") != stamp.get("fingerprint"):
                return False
            return bool(worker.ask("probe", users=users))


def reachable(engine: str) -> str | None:
    """None if databases of this engine can be made, otherwise why not."""
    if engine == SQLITE:
        return None
    try:
        with server():
            return None
    except psycopg.OperationalError as error:
        return str(error).strip().splitlines()[0]


def server_dsn(database: str) -> str:
    """How to reach a database on the PostgreSQL server."""
    return psycopg.conninfo.make_conninfo(
        host=os.environ.get("PGHOST", "127.0.0.1"),
        port=os.environ.get("PGPORT", "5432"),
        user=os.environ.get("PGUSER", "postgres"),
        password=os.environ.get("PGPASSWORD", ""),
        dbname=database,
    )


def remake(database: str) -> None:
    """An empty database of this name on the PostgreSQL server."""
    _drop(POSTGRESQL, database)
    on_server(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))


def remove(database: str) -> None:
    """Drop a database from the PostgreSQL server, if it is there."""
    _drop(POSTGRESQL, database)


def _name(side: str, engine: str, what: str) -> str:
    if engine == SQLITE:
        return str(VAR / f"{side}-{what}.sqlite3")
    return f"jazzauth_bench_{side}_{what}".replace("-", "_")


def _stamp(side: str, engine: str, users: int) -> Path:
    return VAR / f"{side}-{engine}-{users}.json"


def _read_stamp(side: str, engine: str, users: int) -> dict[str, Any]:
    try:
        stamp: dict[str, Any] = json.loads(_stamp(side, engine, users).read_text())
    except FileNotFoundError:
        return {}
    return stamp


def server() -> psycopg.Connection[Any]:
    """A connection to the PostgreSQL server that the benchmarks may make databases on."""
    return psycopg.connect(server_dsn("postgres"), autocommit=True)


def on_server(statement: sql.Composed) -> None:
    """Run a statement that makes or drops a database."""
    with server() as connection:
        connection.execute(statement)


def _exists(engine: str, name: str) -> bool:
    if engine == SQLITE:
        return Path(name).exists()
    with server() as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return found.fetchone() is not None


def _drop(engine: str, name: str) -> None:
    if engine == SQLITE:
        for suffix in ("", "-wal", "-shm"):
            Path(name + suffix).unlink(missing_ok=True)
    else:
        on_server(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
