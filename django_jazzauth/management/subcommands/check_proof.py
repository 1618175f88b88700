"""``jazzauth check-proof``: what ``prove`` printed, checked without key and database."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ...crypto.notes import VerifierKey, read_checkpoint, verified_checkpoint
from ...crypto.tlog_proof import InclusionProof
from ..outside import read_text


class CheckProof:
    """Check a proof against a checkpoint; needs no worker secret and no database."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The proof, and what it is checked against."""
        parser.add_argument("proof", metavar="PROOF", help="File with what `prove` printed.")
        parser.add_argument(
            "--checkpoint",
            metavar="FILE",
            help="The checkpoint that you kept. Without it the one in the proof is taken, which "
            "proves something only together with --key.",
        )
        parser.add_argument(
            "--key",
            metavar="KEY",
            help="Public key of the log, as `checkpoint --key` printed it: its signature is "
            "checked as well.",
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Exit status 1 if the proof does not hold."""
        proof = InclusionProof.from_text(read_text(options["proof"]))
        path, key = options["checkpoint"], options["key"]
        note = proof.note if path is None else read_text(path)
        checkpoint = (
            read_checkpoint(note)
            if key is None
            else verified_checkpoint(note, [VerifierKey.from_text(key)])
        )
        proof.check(checkpoint)
        header = proof.header
        command.stdout.write(
            f"{header.stream}@{header.version} ({header.type}) is leaf {proof.index:,} of the "
            f"{checkpoint.size:,} events of {checkpoint.origin}."
        )
        if key is not None:
            command.stdout.write(f"The checkpoint is signed by {checkpoint.origin}.")
        elif path is not None:
            command.stdout.write("The signature of the checkpoint was not checked (no --key).")
        else:
            command.stdout.write(
                command.style.WARNING(
                    "The checkpoint is the proof's own and its signature was not checked: give "
                    "--checkpoint or --key."
                )
            )
