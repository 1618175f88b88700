"""``jazzauth reindex``: new keys for searchable columns."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.core.management.base import BaseCommand, CommandError

from ...conf import get_settings
from ...keys.index_places import read_places
from ...store.registry import IndexedColumn, projectors
from ...store.reindex import BATCH, MARGIN, all_columns, reindex, to_move
from ..progress import ProgressBar
from .base import known_database


class Reindex:
    """Give searchable columns new keys, while the application runs."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The fields or ``--all``; ``--dry-run``, ``--batch``, ``--wait``."""
        parser.add_argument("fields", nargs="*", metavar="app.Model.field", help="Which fields.")
        parser.add_argument("--all", action="store_true", help="Every searchable field.")
        parser.add_argument(
            "--dry-run", action="store_true", help="Only count what is to be moved."
        )
        parser.add_argument(
            "--batch",
            type=int,
            default=BATCH,
            metavar="VALUES",
            help=f"Values per transaction. Defaults to {BATCH}.",
        )
        parser.add_argument(
            "--wait",
            type=float,
            metavar="SECONDS",
            help="Time until every process, and every replica that is read, knows of the new keys. "
            "Defaults to one and a half of KEYS_MAX_AGE.",
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Can be killed and run again; fails if something does not open and stays behind."""
        alias = known_database(options)
        columns = _asked_for(alias, options)
        if options["dry_run"]:
            _count(command, alias, columns)
            return
        if options["batch"] < 1:
            raise CommandError("--batch takes a number from 1 on.")
        if options["wait"] is not None and options["wait"] < 0:
            raise CommandError("--wait takes a number of seconds.")
        wait = options["wait"]
        wait = MARGIN * get_settings().KEYS_MAX_AGE if wait is None else wait
        command.stdout.write(
            f"Waiting {wait:g} seconds at first, so that every process knows of the new keys."
        )
        bar = ProgressBar(command.stderr, "reindex", "values")
        try:
            done = reindex(
                alias, columns, progress=bar.update, batch=options["batch"], wait=options["wait"]
            )
        finally:
            bar.finish()
        names = ", ".join(sorted({f"{c.entity}.{c.field}" for c in done.columns})) or "nothing"
        command.stdout.write(f"Moved: {done.moved:,} values. Under new keys: {names}.")
        if done.left:
            left = ", ".join(f"{count:,} of {name}" for name, count in done.left.items())
            raise CommandError(
                f"Left, since they do not open: {left}. `jazzauth verify` names the rows, "
                "`jazzauth rebuild` makes them anew; then run this again."
            )
        gone = ", ".join(map(str, done.destroyed))
        command.stdout.write(
            command.style.SUCCESS(
                f"Destroyed: the index keys of generation {gone}."
                if gone
                else "No generation was destroyed: other columns are under the old keys."
            )
        )


def _asked_for(alias: str, options: dict[str, Any]) -> list[IndexedColumn]:
    known = all_columns(alias)
    if options["all"] == bool(options["fields"]):
        raise CommandError("Name fields, as app.Model.field, or say --all.")
    if options["all"]:
        return known
    found: list[IndexedColumn] = []
    for text in options["fields"]:
        entity, name = _field(text)
        own = [column for column in known if (column.entity, column.field) == (entity, name)]
        if not own:
            raise CommandError(f"{text} is not searchable: no column of it holds ciphertexts.")
        found += [column for column in own if column not in found]
    return found


def _field(text: str) -> tuple[str, str]:
    try:
        label, model_name, field_name = text.split(".")
        field: Any = apps.get_model(label, model_name)._meta.get_field(field_name)
    except (ValueError, LookupError, FieldDoesNotExist):
        raise CommandError(f"{text} names no field. Write it as app.Model.field.") from None
    # A child table's field may be its parent's.
    model = field.model._meta.concrete_model
    for projector in projectors():
        if projector.model is model:
            return projector.entity, field.name
    raise CommandError(f"{text} belongs to no event-sourced model.")


def _count(command: BaseCommand, alias: str, columns: list[IndexedColumn]) -> None:
    counts = to_move(alias, [column for column in columns if column.places])
    for name, count in counts.items():
        command.stdout.write(f"{name}: {count:,} values")
    command.stdout.write(f"To be moved: {sum(counts.values()):,} values.")
    if any(place.target is not None for place in read_places(alias).values()):
        command.stdout.write("A re-indexing was begun; running it again finishes that one first.")
