"""What a subcommand is."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, Protocol

from django.core.management.base import BaseCommand, CommandError
from django.db import connections


class Subcommand(Protocol):
    """One subcommand. The first line of its docstring is its help text."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare its arguments; ``--database`` is there already."""

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Do it.

        Args:
            command: for ``stdout``, ``stderr`` and ``style``.
            options: the parsed arguments.

        Raises:
            CommandError: it could not be done, or what was checked is not in order.
        """


def known_database(options: dict[str, Any]) -> str:
    """The database alias that was asked for.

    Raises:
        CommandError: the settings have no such database.
    """
    alias: str = options["database"]
    if alias not in connections:
        known = ", ".join(sorted(connections))
        raise CommandError(f"There is no database {alias!r} in the settings. There are: {known}.")
    return alias


def require_answer(prompt: str, *accepted: str, refused: str = "Nothing was changed.") -> None:
    """Ask on the terminal, and go on only with the right answer.

    Args:
        prompt: what is asked.
        accepted: what allows to go on, in lower case.
        refused: the error's text otherwise.

    Raises:
        CommandError: another answer was given, or nobody is there to give one.
    """
    try:
        answer = input(prompt)
    except EOFError:
        raise CommandError("Nobody is there to answer; use --no-input. Nothing changed.") from None
    if answer.strip().lower() not in accepted:
        raise CommandError(refused)
