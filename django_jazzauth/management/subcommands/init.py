"""``jazzauth init``: the first worker secret."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...errors import ImproperSecret, ImproperSettings
from ...keys.secret import WorkerSecret
from ...keys.source import ENV_FILE, ENV_SECRET, key_provider


class Init:
    """Make a worker secret: print it as a line for the environment, or write it to a file."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--file``."""
        parser.add_argument(
            "--file",
            type=Path,
            metavar="PATH",
            help="Write the secret to this new file, readable by its owner only.",
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Refuses where there is a secret already; never overwrites a file."""
        path: Path | None = options["file"]
        _refuse_second()
        secret = WorkerSecret.generate()
        if path is None:
            command.stdout.write(f"{ENV_SECRET}={secret.to_text()}")
            command.stderr.write(
                f"This is the secret of worker {secret.worker_id}. Put the line where only the "
                "server reads it, and keep a copy elsewhere: without it nobody can open the "
                "database, and nobody can make it again."
            )
            return
        write_secret_file(path, secret)
        command.stdout.write(
            f"The secret of worker {secret.worker_id} is in {path}.\n"
            f'Set JAZZAUTH["WORKER_SECRET_FILE"] = "{path}", or the environment variable '
            f"{ENV_FILE}={path}.\n"
            "Keep a copy elsewhere: without it nobody can open the database."
        )


def write_secret_file(path: Path, secret: WorkerSecret) -> None:
    """Write a worker secret to a new file of mode 0600, down to the disk.

    Raises:
        CommandError: the file exists, or cannot be made.
    """
    write_private_file(path, secret.to_text() + "\n")


def write_private_file(path: Path, text: str) -> None:
    """Write a new file that only its owner can read, down to the disk.

    Raises:
        CommandError: the file exists, or cannot be made.
    """
    try:
        # O_EXCL: whatever stands there already, a link included, stays as it is.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandError(
            f"{path} exists; a secret is never overwritten. Use it, or give another path."
        ) from None
    except OSError as error:
        raise CommandError(f"{path} cannot be made: {error.strerror}.") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)  # an unusual umask must not lock its owner out
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)  # made by us just now, and incomplete
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from None


def _refuse_second() -> None:
    try:
        present = key_provider()
    except ImproperSecret as error:
        raise CommandError(
            f"A worker secret is set, but cannot be right: {error} Mend it, or take it out of the "
            "settings and the environment to make a new one."
        ) from None
    except ImproperSettings:
        return  # none is set, or the file that is named is still to be made
    raise CommandError(
        f"A worker secret is set already: that of worker {present.worker_id}. A new one would not "
        "open this database. To make one for another database, run this where none is set."
    )
