"""The example project as people start it: ``manage.py demo``, in a process of its own."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django_jazzauth.identity import seed_from_text

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Demo:
    """A running demo.

    Attributes:
        address: of the page, as the demo prints it.
        admin: of the admin, likewise.
        directory: everything that it wrote.
    """

    address: str
    admin: str
    directory: Path

    def has_user(self, user_id: str) -> bool:
        """Whether the table of users has this id."""
        with closing(sqlite3.connect(self.directory / "demo.sqlite3")) as database:
            query = "SELECT count(*) FROM jazzauth_user WHERE id = ?"
            (found,) = database.execute(query, [UUID(user_id).hex]).fetchone()
        return bool(found)

    def tamper(self, user_id: str) -> None:
        """Overwrite the user's newest event, as an intruder would."""
        with closing(sqlite3.connect(self.directory / "demo.sqlite3")) as database, database:
            changed = database.execute(
                "UPDATE jazzauth_event SET payload = zeroblob(length(payload)) WHERE position = "
                "(SELECT max(position) FROM jazzauth_event WHERE stream = ?)",
                [f"user/{user_id}"],
            )
            assert changed.rowcount == 1

    def delete_user(self, user_id: str) -> None:
        """Delete an account, as an administrator does; the log keeps what it was."""
        order = (
            f"from django_jazzauth.models import User; User.objects.get(pk='{user_id}').delete()"
        )
        subprocess.run(
            [sys.executable, "manage.py", "shell", "-c", order],
            cwd=ROOT,
            env=environment(self.directory),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=True,
        )

    def stores(self, text: str) -> bool:
        """Whether a text stands readable in the database."""
        with closing(sqlite3.connect(self.directory / "demo.sqlite3")) as database:
            database.execute("PRAGMA wal_checkpoint(FULL)")
        return text.encode() in (self.directory / "demo.sqlite3").read_bytes()


def spellings(secret: str, phrase: str) -> list[str]:
    """The ways in which a seed might be written, by its text and its phrase."""
    words = phrase.split()
    triples = [words[start : start + 3] for start in range(0, len(words), 3)]
    runs = [glue.join(triple) for triple in triples for glue in (" ", "+", "%20", ",", '","')]
    return [secret, secret.replace("-", "+").replace("_", "/"), seed_from_text(secret).hex(), *runs]


def environment(directory: Path) -> dict[str, str]:
    """The environment of a process of the example project."""
    inherited = {key: value for key, value in os.environ.items() if "JAZZAUTH" not in key}
    return inherited | {
        "DJANGO_SETTINGS_MODULE": "example_project.settings",
        "JAZZAUTH_DEMO_DIR": str(directory),
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def running_demo(directory: Path) -> Iterator[Demo]:
    """Start the demo, with warnings as errors; nothing may go wrong in it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    errors = directory / "stderr.txt"
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "manage.py", "demo", "--address", f"127.0.0.1:{port}"],
            cwd=ROOT,
            env=environment(directory),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        try:
            assert process.stdout is not None
            printed = []
            for line in process.stdout:
                printed.append(line)
                if "Quit the server" in line:
                    break
            else:
                raise AssertionError(f"the demo ended: {''.join(printed)}{errors.read_text()}")
            page, admin = (line.split()[0] for line in printed if line.startswith("http://"))
            yield Demo(page, admin, directory)
        finally:
            process.terminate()
            process.wait(timeout=30)
            process.stdout.close()
    assert "Traceback" not in errors.read_text()
