"""``jazzauth checkpoint``: a signed statement of what the log contains, to be kept elsewhere."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections

from ...conf import get_settings
from ...errors import JazzAuthError
from ...store.checkpoints import take, verifier_key
from ...store.generations import require_contained
from ...store.outside import read_outside, replace_outside
from ..outside import post_text
from .base import known_database


class Checkpoint:
    """Sign what the log contains now, for a file, a URL or standard output."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where it goes, and when."""
        parser.add_argument(
            "--output",
            metavar="FILE",
            help="Replace this file by it, in one step. Default: CHECKPOINT FILE of the settings. "
            "“-” is standard output.",
        )
        parser.add_argument(
            "--post",
            metavar="URL",
            help="Post it there as well. Default: CHECKPOINT URL of the settings.",
        )
        parser.add_argument(
            "--watch",
            action="store_true",
            help="Stay, and make one every INTERVAL seconds of the settings, until stopped.",
        )
        parser.add_argument(
            "--key",
            action="store_true",
            help="Print the public key that checkpoints are verified with, and do nothing else.",
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Refuses to replace a checkpoint that the database does not contain any more."""
        alias = known_database(options)
        if options["key"]:
            command.stdout.write(verifier_key(alias).to_text())
        elif options["watch"]:
            _watch(command, alias, options)
        else:
            _once(command, alias, options)


def _once(command: BaseCommand, alias: str, options: dict[str, Any]) -> None:
    given = get_settings().CHECKPOINT
    path: str | None = options["output"] or given.FILE
    url: str | None = options["post"] or given.URL
    file = None if path == "-" else path
    before = read_outside(file) if file else None
    if before is not None:
        require_contained(alias, before)
    taken = take(alias)
    if file:
        replace_outside(file, taken.note)
    if url:
        post_text(url, taken.note)
    if path == "-" or not (file or url):
        command.stdout.write(taken.note, ending="")
        return
    places = " and ".join(filter(None, (file, "posted" if url else None)))
    command.stdout.write(f"{taken.size:,} events, {taken.new:,} of them new: {places}.")


def _watch(command: BaseCommand, alias: str, options: dict[str, Any]) -> None:
    interval = get_settings().CHECKPOINT.INTERVAL
    if interval is None:
        raise CommandError('Say how often: JAZZAUTH["CHECKPOINT"]["INTERVAL"], in seconds.')
    stop = threading.Event()
    previous = signal.signal(signal.SIGTERM, lambda *caught: stop.set())
    try:
        while not stop.is_set():
            try:
                _once(command, alias, options)
            except (CommandError, JazzAuthError, DatabaseError) as error:
                # A server that is away for a while must not end the watch.
                code = f" [{error.code}]" if isinstance(error, JazzAuthError) else ""
                command.stderr.write(f"{error}{code}")
            close_old_connections()
            stop.wait(interval)
    finally:
        signal.signal(signal.SIGTERM, previous)
