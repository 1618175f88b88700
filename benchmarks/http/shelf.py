"""The filled databases: made once per engine and size, kept, and copied for each run."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from django_jazzauth.keys.secret import WorkerSecret

from ..databases import on_server, server
from ..sides import ROOT
from .environment import POSTGRES, SQLITE, environment
from .prepared import Prepared, read_prepared

_SUFFIXES = ("", "-wal", "-shm")


class FillingFailed(RuntimeError):
    """The process that fills a database ended before it was done; what it printed says why."""


class Shelf:
    """Where they are kept.

    Args:
        folder: for the SQLite files, and for what is written down about all of them.
        progress: told how far the filling is: engine, users, how many are done.
    """

    def __init__(self, folder: Path, progress: Callable[[str, int, int], None]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._progress = progress
        self._fingerprint = ""
        self.secret = self._secret()

    def copy(self, engine: str, users: int, purpose: str) -> tuple[str, Prepared]:
        """A fresh copy of the database with so many users, and what to know about it.

        It is filled first where it is not there, or of another release.

        Args:
            engine: ``sqlite`` or ``postgres``.
            users: how many people are in it.
            purpose: tells copies apart.
        """
        kept, prepared = self.kept(engine, users)
        copy = self.name(engine, purpose)
        self.drop(engine, purpose)
        if engine == SQLITE:
            # Where the file system can, the copy shares its blocks with the original.
            subprocess.run(["cp", "--reflink=auto", kept, copy], check=True)
        else:
            on_server(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(copy), sql.Identifier(kept)
                )
            )
        return copy, prepared

    def kept(self, engine: str, users: int) -> tuple[str, Prepared]:
        """The database with so many users, filled if need be: file or name, and what to know."""
        name = self.name(engine, str(users))
        notes = self.notes(engine, users)
        prepared = read_prepared(notes)
        if prepared is None or not self._is_good(engine, name, prepared):
            self.drop(engine, str(users))
            notes.unlink(missing_ok=True)
            if engine == POSTGRES:
                on_server(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            prepared = self._fill(engine, name, users)
            prepared.write(notes)
        return name, prepared

    def drop(self, engine: str, purpose: str) -> None:
        """Throw a copy away."""
        name = self.name(engine, purpose)
        if engine == SQLITE:
            for suffix in _SUFFIXES:
                Path(name + suffix).unlink(missing_ok=True)
        else:
            on_server(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def notes(self, engine: str, users: int) -> Path:
        """File with what is written down about a filled database."""
        return self._folder / f"http-{engine}-{users}.json"

    def name(self, engine: str, what: str) -> str:
        """File or name of a database."""
        if engine == SQLITE:
            return str(self._folder / f"http-{what}.sqlite3")
        # Whoever keeps another folder has another secret, and so other databases.
        owner = hashlib.sha256(self.secret.encode()).hexdigest()[:8]
        return f"jazzauth_bench_http_{owner}_{what}".replace("-", "_")

    def _is_good(self, engine: str, name: str, prepared: Prepared) -> bool:
        if engine == SQLITE:
            exists = Path(name).exists()
        else:
            with server() as connection:
                query = "SELECT 1 FROM pg_database WHERE datname = %s"
                exists = connection.execute(query, [name]).fetchone() is not None
        return exists and prepared.fingerprint == self._present_fingerprint()

    def _present_fingerprint(self) -> str:
        if not self._fingerprint:
            (answer,) = self._ask(SQLITE, ":memory:", "fingerprint")
            self._fingerprint = answer["fingerprint"]
        return self._fingerprint

    def _fill(self, engine: str, name: str, users: int) -> Prepared:
        for message in self._ask(engine, name, "fill", str(users)):
            if "prepared" in message:
                return Prepared(**message["prepared"])
            self._progress(engine, users, message["done"])
        raise FillingFailed(f"{name} was not filled")

    def _ask(self, engine: str, name: str, *arguments: str) -> Iterator[dict[str, Any]]:
        with subprocess.Popen(
            [sys.executable, "-m", "benchmarks.http.filling", *arguments],
            cwd=ROOT,
            env=environment(engine, name, self.secret),
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                yield json.loads(line)
        if process.returncode:
            raise FillingFailed(f"{' '.join(arguments)} ended with status {process.returncode}")

    def _secret(self) -> str:
        path = self._folder / "worker-secret"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(WorkerSecret.generate().to_text())
        return path.read_text()


def backends(database: str) -> list[int]:
    """Ids of the PostgreSQL server's processes that work for a database."""
    try:
        with server() as connection:
            query = "SELECT pid FROM pg_stat_activity WHERE datname = %s"
            return [row[0] for row in connection.execute(query, [database]).fetchall()]
    except psycopg.OperationalError:
        return []
