"""``jazzauth rewrap`` and ``jazzauth retire``: moving to the epoch in use, closing older ones."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...store.retire import retire
from ...store.rewrap import BATCH, remaining, rewrap
from ..progress import ProgressBar
from .base import known_database


class Rewrap:
    """Move every data key and every head to the epoch in use, while the application runs."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--dry-run``, ``--batch``."""
        parser.add_argument(
            "--dry-run", action="store_true", help="Only count what is still to be moved."
        )
        parser.add_argument(
            "--batch",
            type=int,
            default=BATCH,
            metavar="ROWS",
            help=f"Rows per transaction. Defaults to {BATCH}.",
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Can be killed and run again; says what is left, and fails if something is."""
        alias = known_database(options)
        if options["dry_run"]:
            command.stdout.write(f"To be moved: {remaining(alias)}.")
            return
        if options["batch"] < 1:
            raise CommandError("--batch takes a number from 1 on.")
        bar = ProgressBar(command.stderr, "rewrap", "keys and heads")
        try:
            done = rewrap(alias, progress=bar.update, batch=options["batch"])
        finally:
            bar.finish()
        command.stdout.write(
            f"Moved: {done.data_keys:,} data keys, {done.index_roots:,} index roots, "
            f"{done.heads:,} heads."
        )
        if not done.left.total:
            command.stdout.write(command.style.SUCCESS("Everything is under the epoch in use."))
            return
        for stream in sorted(done.broken)[:10]:
            command.stderr.write(command.style.ERROR(f"{stream}: its head does not open"))
        hint = (
            "`jazzauth verify` says what is wrong with them."
            if done.broken
            else "Run it again: others hold these rows, or another epoch was started."
        )
        raise CommandError(f"Left: {done.left}. {hint}")


class Retire:
    """Destroy the grants of an epoch that nothing needs any more, and of all before it."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The epoch."""
        parser.add_argument("epoch", type=int, help="Its number; `doctor` says which there are.")

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Refuses while anything stands under it."""
        done = retire(known_database(options), options["epoch"])
        if not done.numbers:
            command.stdout.write(f"Epoch {options['epoch']} was retired before.")
            return
        numbers = ", ".join(map(str, done.numbers))
        command.stdout.write(
            command.style.SUCCESS(
                f"Retired: epoch {numbers}; {done.grants} grants destroyed. Copies made from now "
                "on do not open to whoever has those epochs only."
            )
        )
        command.stdout.write("Copies from before still do. Delete those you do not need.")
