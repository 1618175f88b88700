"""``jazzauth compact``: the past of what ended is dropped after its time."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...store import store
from ..progress import ProgressBar
from .base import known_database


class Compact:
    """Drop the payloads of deleted entities whose RETENTION is over; digests stay."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--dry-run``."""
        parser.add_argument(
            "--dry-run", action="store_true", help="Only say what would be dropped."
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Works in small transactions; may be killed and run again at any time."""
        alias = known_database(options)
        bar = ProgressBar(command.stderr, "compact", "positions")
        try:
            done = store.compact(
                using=alias,
                progress=lambda entity, at, highest: bar.update(at, highest, label=entity),
                dry_run=options["dry_run"],
            )
        finally:
            bar.finish()
        if not done:
            command.stdout.write('Nothing has a retention. Set JAZZAUTH["RETENTION"].')
        verb = "would be dropped" if options["dry_run"] else "dropped"
        for entity, result in done.items():
            command.stdout.write(
                f"{entity}: {result.events:,} payloads of {result.streams:,} streams {verb}, "
                f"{result.bytes:,} bytes."
            )
        refused = {stream: code for each in done.values() for stream, code in each.refused.items()}
        for stream, code in refused.items():
            command.stderr.write(command.style.WARNING(f"{stream}: left as it is [{code}]"))
        if refused:
            raise CommandError(
                f"{len(refused):,} streams were left as they are: somebody else seems to have "
                "ended or changed them. Run `manage.py jazzauth verify`."
            )
