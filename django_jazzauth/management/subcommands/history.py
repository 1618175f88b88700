"""``jazzauth history``: what happened to an entity."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from ...store import store
from ..entities import find_entity
from ..timeline import EMPTY, Entry, timeline
from .base import known_database


class History:
    """Print an entity's timeline from the log: when, who, and what changed field by field."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The entity."""
        parser.add_argument(
            "entity", help="An e-mail, a username, a primary key, or a stream (user/<key>)."
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Oldest first. Secret fields are named, their values never shown."""
        alias = known_database(options)
        address = find_entity(options["entity"], alias)
        events = store.history(address.model, pk=address.key, using=alias)
        command.stdout.write(command.style.MIGRATE_HEADING(address.stream))
        for entry in timeline(events, address.model, using=alias):
            _print(command, entry)


def _print(command: BaseCommand, entry: Entry) -> None:
    when = timezone.localtime(entry.recorded_at)
    by = f"  by {entry.who}" if entry.who else ""
    via = f"  ({entry.via})" if entry.via else ""
    command.stdout.write(
        f"{when:%Y-%m-%d %H:%M:%S %Z}  version {entry.version}  "
        f"{command.style.MIGRATE_LABEL(entry.type)}{by}{via}"
    )
    if entry.source:
        command.stdout.write(f"    from {entry.source}")
    if entry.compacted:
        command.stdout.write("    (compacted: the time for which its past is kept is over)")
    elif not entry.readable:
        command.stdout.write("    (not readable any more: its key was destroyed)")
    for change in entry.changes:
        if change.hidden:
            text = "(changed; never shown)"
        elif change.old == EMPTY:
            text = change.new
        else:
            text = f"{change.old}  →  {change.new}"
        command.stdout.write(f"    {change.name}: {text}")
