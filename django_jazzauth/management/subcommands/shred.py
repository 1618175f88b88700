"""``jazzauth export`` and ``jazzauth shred``: a person's data, for them, and then gone."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from ...store import store
from ..entities import Address, find_entity
from ..exporting import ExportEncoder, export_subject
from .base import known_database, require_answer
from .init import write_private_file

_WHO = "An e-mail, a username, a primary key, or a stream (user/<key>)."


class Export:
    """Print all that is known of a person as JSON: every entity of theirs, now and before."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--subject``, ``--file``."""
        parser.add_argument("--subject", required=True, metavar="PERSON", help=_WHO)
        parser.add_argument(
            "--file",
            type=Path,
            metavar="PATH",
            help="Write it to this new file, readable by its owner only.",
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Reads the whole log once. Secret fields are named, their values left out."""
        alias = known_database(options)
        found = find_entity(options["subject"], alias)
        text = _export(found, alias)
        path: Path | None = options["file"]
        if path is None:
            command.stdout.write(text)
            return
        write_private_file(path, text + "\n")
        command.stdout.write(command.style.SUCCESS(f"What is known of {found.stream}: {path}."))


class Shred:
    """Forget a person: destroy their key, so that nothing of theirs can ever be read again."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The person, ``--export``, ``--no-input``."""
        parser.add_argument("person", help=_WHO)
        parser.add_argument(
            "--export",
            type=Path,
            metavar="PATH",
            help="First write all that is known of them to this new file.",
        )
        parser.add_argument(
            "--no-input",
            "--noinput",
            action="store_false",
            dest="interactive",
            help="Do not ask before.",
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Can be killed and run again; running it once more changes nothing."""
        alias = known_database(options)
        found = find_entity(options["person"], alias)
        if options["interactive"]:
            _ask(command, found)
        if options["export"] is not None:
            write_private_file(options["export"], _export(found, alias) + "\n")
        receipt = store.shred(found.model, pk=found.key, using=alias)
        if receipt.already:
            command.stdout.write(
                f"{receipt.stream} was shredded on {receipt.shredded_at:%Y-%m-%d %H:%M:%S %Z}."
            )
            return
        for label, count in sorted(receipt.removed.items()):
            command.stdout.write(f"{count:>12,}  {label}")
        command.stdout.write(
            command.style.SUCCESS(
                f"{receipt.stream} was shredded at version {receipt.version}, on "
                f"{receipt.shredded_at:%Y-%m-%d %H:%M:%S %Z}."
            )
        )
        command.stdout.write(
            "Rows in copies from before open until their epoch is retired: `jazzauth rotate`, "
            "`rewrap`, `retire`."
        )


def _export(found: Address, alias: str) -> str:
    data = export_subject(found.model, pk=found.key, using=alias)
    return json.dumps(data, cls=ExportEncoder, indent=2, ensure_ascii=False)


def _ask(command: BaseCommand, found: Address) -> None:
    command.stdout.write(
        f"{found.stream}: the data key is destroyed, and all rows of theirs are removed. Nobody "
        "can undo this."
    )
    require_answer('Type "shred" to go on: ', "shred")
