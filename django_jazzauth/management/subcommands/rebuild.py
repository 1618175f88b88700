"""``jazzauth rebuild``: the projections made again from the log."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ...store import store
from ...store.models import Event as EventRecord
from ...store.registry import projectors
from ..progress import ProgressBar
from .base import known_database, require_answer


class Rebuild:
    """Empty every projection and make it again from the log, in one transaction."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--no-input``."""
        parser.add_argument(
            "--no-input",
            "--noinput",
            action="store_false",
            dest="interactive",
            help="Do not ask before starting.",
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Asks first, since writers wait until it is done."""
        alias = known_database(options)
        events = EventRecord.objects.using(alias).count()
        if options["interactive"]:
            _ask(command, alias, events)
        bar = ProgressBar(command.stderr, "rebuild", "rows")
        started = time.monotonic()
        try:
            counts = store.rebuild(
                using=alias, progress=lambda entity, done: bar.update(done, label=entity)
            )
        finally:
            bar.finish()
        for entity, count in counts.items():
            command.stdout.write(f"{count:>12,}  {entity}")
        command.stdout.write(
            command.style.SUCCESS(
                f"{sum(counts.values()):,} rows made from {events:,} events in "
                f"{time.monotonic() - started:.1f} s."
            )
        )


def _ask(command: BaseCommand, alias: str, events: int) -> None:
    tables = ", ".join(projector.model._meta.db_table for projector in projectors())
    command.stdout.write(
        f"Database {alias!r}: every row of {tables} is deleted and made again from {events:,} "
        "events, in one transaction. What stands in those tables without an event is lost. "
        "Other writers wait meanwhile."
    )
    require_answer('Type "yes" to go on: ', "yes")
