"""``jazzauth verify``: is the log still what was written, and do the rows agree with it?"""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...conf import get_settings
from ...store import Report, store
from ...store.outside import read_outside
from ..last_verify import remember
from ..outside import read_text
from ..progress import ProgressBar
from .base import known_database


class Verify:
    """Check every event, every chain and every row; exit status 1 if anything is wrong."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--json``, and checkpoints."""
        parser.add_argument("--json", action="store_true", help="Print the report as JSON.")
        parser.add_argument(
            "--checkpoint",
            action="append",
            default=[],
            metavar="FILE",
            help="Prove that the log still contains what it contained when this checkpoint was "
            "made; may be repeated. CHECKPOINT FILE of the settings is always looked at.",
        )

        parser.add_argument(
            "--processes",
            type=_positive,
            default=1,
            metavar="N",
            help="Read and decrypt in so many processes. Default: 1.",
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Prints one line per problem: code, stream and version, what is wrong."""
        alias = known_database(options)
        notes = _notes(options["checkpoint"])
        bar = ProgressBar(command.stderr, "verify", "events")
        started = time.monotonic()
        try:
            report = store.verify(
                using=alias,
                progress=bar.update,
                checkpoints=notes,
                processes=options["processes"],
            )
        finally:
            bar.finish()
        remember(alias, report)
        if options["json"]:
            command.stdout.write(json.dumps(_as_json(report), indent=2))
        else:
            _print(command, report, time.monotonic() - started)
        if not report.ok:
            found = len(report.problems) + report.unlisted
            raise CommandError(_count(found, "problem") + " found.")


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 64):
        raise ArgumentTypeError(f"{text!r} is no number from 1 to 64.")
    return int(text)


def _notes(paths: list[str]) -> list[str]:
    kept = get_settings().CHECKPOINT.FILE
    found = read_outside(kept) if kept and kept not in paths else None
    return [*map(read_text, paths), *([] if found is None else [found])]


def _print(command: BaseCommand, report: Report, seconds: float) -> None:
    for problem in report.problems:
        place = problem.stream or "-"
        if problem.version is not None:
            place = f"{place}@{problem.version}"
        code = command.style.ERROR(problem.code)
        command.stdout.write(f"{code}  {place}  {problem.detail}")
    command.stdout.write(
        f"{_count(report.events, 'event')} in {_count(report.streams, 'stream')} checked in "
        f"{seconds:.1f} s."
    )
    if report.unlisted:
        command.stdout.write(f"{report.unlisted:,} further problems are not listed.")
    if report.checkpoints:
        command.stdout.write(
            f"{_count(report.covered, 'event')} compared with "
            f"{_count(report.checkpoints, 'checkpoint')}."
        )
    if report.ok:
        command.stdout.write(command.style.SUCCESS("Nothing is wrong."))


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "events": report.events,
        "streams": report.streams,
        "covered": report.covered,
        "checkpoints": report.checkpoints,
        "unlisted": report.unlisted,
        "problems": [
            {
                "code": problem.code,
                "stream": problem.stream,
                "version": problem.version,
                "detail": problem.detail,
            }
            for problem in report.problems
        ],
    }


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
