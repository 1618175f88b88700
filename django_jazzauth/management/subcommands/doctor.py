"""``jazzauth doctor``: what is wrong, and how to mend it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ..doctor import Checkup, Finding, examine
from .base import known_database

_MARKS = {"ok": "ok  ", "warning": "WARN", "error": "BAD "}


class Doctor:
    """Look at settings, keys, database, clock and versions; exit status 1 if anything is wrong."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--json``."""
        parser.add_argument("--json", action="store_true", help="Print the findings as JSON.")

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Reads only."""
        checkup = examine(known_database(options))
        if options["json"]:
            report = {
                "ok": not checkup.errors,
                "findings": [asdict(finding) for finding in checkup.findings],
            }
            command.stdout.write(json.dumps(report, indent=2))
        else:
            _print(command, checkup)
        if checkup.errors:
            raise CommandError(_summary(checkup))


def _print(command: BaseCommand, checkup: Checkup) -> None:
    for finding in checkup.findings:
        command.stdout.write(_line(command, finding))
        if finding.mend:
            command.stdout.write(f"      → {finding.mend}")
    if not checkup.errors:
        command.stdout.write(command.style.SUCCESS(_summary(checkup)))


def _line(command: BaseCommand, finding: Finding) -> str:
    style = {"warning": command.style.WARNING, "error": command.style.ERROR}.get(finding.level)
    mark = _MARKS[finding.level]
    return f"{style(mark) if style else mark}  {finding.subject}: {finding.detail}"


def _summary(checkup: Checkup) -> str:
    return f"{checkup.errors} wrong, {checkup.warnings} to look at, of {len(checkup.findings)}."
