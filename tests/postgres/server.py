"""PostgreSQL servers of a test's own: a primary and a streaming replica, in temporary folders."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

_USER = "postgres"
_PATIENCE = 30


def binaries() -> Path | None:
    """The folder of ``initdb`` and ``pg_basebackup``, if this machine has them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent, *found] if on_path else found
    return next((folder for folder in folders if (folder / "pg_basebackup").exists()), None)


class Server:
    """A server in a folder, on a free port of the loopback.

    Args:
        folder: its data goes below it.
        name: of the folder's part.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.data = folder / name
        self.port = free_port()
        self._folder = folder
        self._bin = binaries()

    def make(self) -> None:
        """A new, empty server."""
        self._run("initdb", "-D", self.data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync")

    def copy(self, primary: Server) -> None:
        """A streaming replica of another one."""
        self._run(
            *("pg_basebackup", "-h", "127.0.0.1", "-p", str(primary.port), "-U", _USER),
            *("-D", self.data, "-R", "-X", "stream", "-c", "fast", "--no-sync"),
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self._folder} -c fsync=off"
        self._run("pg_ctl", "-D", self.data, "-o", options, "-w", "-l", self.data / "log", "start")

    def stop(self) -> None:
        """End it at once."""
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def settings(self, database: str) -> dict[str, Any]:
        """What goes into Django's ``DATABASES``."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "USER": _USER,
            "NAME": database,
        }

    def ask(self, sql: str, database: str = "postgres") -> Any:
        """Run a statement outside of Django; the first value of its answer."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user=_USER, dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(sql)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    def _run(self, command: str, *arguments: Any) -> None:
        if self._bin is None:
            raise RuntimeError("no server's binaries here")
        words = as_postgres([str(self._bin / command), *map(str, arguments)])
        subprocess.run(
            words, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=120,
            cwd=self._folder,
        )  # fmt: skip


def catch_up(primary: Server, replica: Server) -> None:
    """Wait until the replica shows all that the primary has committed."""
    place = primary.ask("SELECT pg_current_wal_lsn()")
    end = time.monotonic() + _PATIENCE
    while not replica.ask(f"SELECT pg_last_wal_replay_lsn() >= '{place}'"):
        if time.monotonic() > end:
            raise TimeoutError("the replica does not catch up")
        time.sleep(0.02)


def serving() -> Iterator[tuple[Server, Server]]:
    """A primary with a replica, until the generator is closed."""
    with tempfile.TemporaryDirectory(prefix="jazzauth-servers-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, _USER)
        primary, replica = Server(folder, "primary"), Server(folder, "replica")
        try:
            primary.make()
            primary.start()
            replica.copy(primary)
            replica.start()
            yield primary, replica
        finally:
            replica.stop()
            primary.stop()


def as_postgres(words: list[str]) -> list[str]:
    """A command line that runs as somebody else than root, which PostgreSQL's programs refuse."""
    if os.geteuid() != 0:
        return words
    return ["setpriv", "--reuid", _USER, "--regid", _USER, "--init-groups", *words]


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
