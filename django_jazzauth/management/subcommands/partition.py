"""``jazzauth partition``: the event table in hash partitions."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ...store.models import Event as EventRecord
from ...store.partitions import MOST, partition_log, partitions_of
from .base import known_database, require_answer


class Partition:
    """Spread the event table over hash partitions by stream (PostgreSQL)."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--count`` and ``--no-input``."""
        parser.add_argument(
            "--count", type=int, required=True, help=f"How many partitions, 2 to {MOST}."
        )
        parser.add_argument(
            "--no-input",
            "--noinput",
            action="store_false",
            dest="interactive",
            help="Do not ask before starting.",
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Asks first, since readers and writers wait until it is done."""
        alias = known_database(options)
        if options["interactive"]:
            events = EventRecord.objects.using(alias).count()
            question = (
                f"{events:,} events of {alias!r} are copied in one transaction. Readers and "
                "writers wait until it is done, and the disk needs room for both copies. "
                "Go on? [y/N] "
            )
            require_answer(question, "y", "yes")
        copied = partition_log(alias, options["count"])
        command.stdout.write(f"{copied:,} events in {partitions_of(alias)} partitions.")
