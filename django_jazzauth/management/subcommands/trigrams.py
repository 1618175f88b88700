"""``jazzauth trigrams``: the blind trigram index made complete."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ...store.trigram_filling import refresh
from ...store.trigram_tokens import indexed_fields
from ..progress import ProgressBar
from .base import known_database


class Trigrams:
    """Make the index complete by which parts of texts are found (JAZZAUTH["TRIGRAM_INDEX"])."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """None of its own."""

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """The application may go on, once all of its processes have the setting."""
        alias = known_database(options)
        bar = ProgressBar(command.stderr, "trigrams", "rows")
        try:
            counts = refresh(alias, lambda entity, done: bar.update(done, label=entity))
        finally:
            bar.finish()
        if not counts:
            command.stdout.write('Nothing is indexed. Set JAZZAUTH["TRIGRAM_INDEX"].')
        for entity, count in counts.items():
            fields = ", ".join(indexed_fields(entity))
            command.stdout.write(f"{count:>12,}  {entity} ({fields})")
