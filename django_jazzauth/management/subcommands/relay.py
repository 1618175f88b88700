"""``jazzauth relay`` and ``jazzauth follow``: the log on NATS JetStream, and a copy from there."""

from __future__ import annotations

import json
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...conf import get_settings
from ...store.relay.bus import Bus
from ...store.relay.cursor import COUNTED, status
from ...store.relay.follower import catch_up, follow
from ...store.relay.publisher import create_streams, drain, run
from .base import known_database


class Relay:
    """Publish committed events, sealed, to NATS JetStream until stopped."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--once``, ``--create-stream``, ``--status``."""
        parser.add_argument(
            "--once", action="store_true", help="Publish what is committed now, and end."
        )
        parser.add_argument(
            "--create-stream",
            action="store_true",
            help="Make the streams in NATS first, as far as they are not there.",
        )
        parser.add_argument(
            "--status",
            action="store_true",
            help="Say how far the relay is, and do nothing else. Needs no NATS.",
        )
        parser.add_argument("--json", action="store_true", help="Print the status as JSON.")

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """One relay of a name publishes at a time; others wait for their turn."""
        alias = known_database(options)
        if options["status"]:
            _print_status(command, alias, as_json=options["json"])
            return
        if options["create_stream"]:
            with Bus(get_settings().RELAY) as bus:
                create_streams(bus)
        if options["once"]:
            command.stdout.write(f"{drain(alias):,} events published.")
            return
        _until_stopped(lambda stop: run(alias, stop, command.stderr.write))


class Follow:
    """Keep this empty database a copy of the log that a relay publishes."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--once``."""
        parser.add_argument(
            "--once", action="store_true", help="Read what is published now, and end."
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Refuses what does not continue the copy; ``jazzauth rebuild`` then makes the rows."""
        alias = known_database(options)
        if options["once"]:
            done = catch_up(alias)
            command.stdout.write(
                f"{done.events:,} events, {done.keys:,} keys, {done.destroyed:,} of them destroyed "
                "here. Run `manage.py jazzauth rebuild` for the rows."
            )
            return
        _until_stopped(lambda stop: follow(alias, stop, command.stderr.write))


def _until_stopped(work: Callable[[threading.Event], None]) -> None:
    stop = threading.Event()
    previous = {
        number: signal.signal(number, lambda *caught: stop.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        work(stop)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _print_status(command: BaseCommand, alias: str, *, as_json: bool) -> None:
    found = status(alias, get_settings().RELAY.NAME)
    if as_json:
        command.stdout.write(json.dumps(asdict(found)))
        return
    if not found.started:
        raise CommandError(f"The relay {found.name} never ran on this database.")
    more = "at least " if found.behind >= COUNTED else ""
    silent = "never" if found.silent is None else f"{found.silent:,.1f} seconds ago"
    command.stdout.write(
        f"Relay {found.name}: {'runs' if found.led else 'does not run'}; it last moved {silent}.\n"
        f"Position {found.position:,}; {found.published:,} events published; "
        f"{more}{found.behind:,} events behind, the oldest of them by {found.oldest:,.1f} seconds; "
        f"{found.gaps} gaps in which something may still commit."
    )
