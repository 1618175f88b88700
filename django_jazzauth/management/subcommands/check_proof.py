"""``jazzauth check-proof``: what ``prove`` printed, checked without key and database."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ...crypto import check_proof
from ..outside import read_text


class CheckProof:
    """Check a proof against a checkpoint; needs no worker secret and no database."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The proof, and what it is checked against."""
        check_proof.add_arguments(parser)

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Exit status 1 if the proof does not hold."""
        path, key = options["checkpoint"], options["key"]
        note = None if path is None else read_text(path)
        text = check_proof.check(read_text(options["proof"]), checkpoint=note, key=key)
        holds, _, caution = text.partition("\n")
        command.stdout.write(holds)
        warned = note is None and key is None
        command.stdout.write(command.style.WARNING(caution) if warned else caution)
