"""``jazzauth prove``: a proof for others that an event is in the log."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand

from ...store.proofs import prove
from ..outside import read_text
from .base import known_database


class Prove:
    """Print a proof that an event is in the log, which others can check without any key."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The event and the checkpoint."""
        parser.add_argument(
            "event",
            type=event_place,
            help="Stream and version, as verify prints them: user/<key>@3.",
        )
        parser.add_argument(
            "--checkpoint",
            metavar="FILE",
            help="The checkpoint that the other side has. Default: the newest one.",
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Reads the digests of all events that the checkpoint covers."""
        alias = known_database(options)
        stream, version = options["event"]
        path = options["checkpoint"]
        note = None if path is None else read_text(path)
        command.stdout.write(prove(stream, version, note=note, using=alias), ending="")


def event_place(text: str) -> tuple[str, int]:
    """``user/2f1c…@3`` as stream and version.

    Raises:
        ArgumentTypeError: it is neither.
    """
    stream, at, version = text.rpartition("@")
    if not (at and "/" in stream and version.isascii() and version.isdigit()):
        raise ArgumentTypeError(f"{text!r} is no event. Write it as user/<key>@3.")
    return stream, int(version)
