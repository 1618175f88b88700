"""``jazzauth rotate``: a new epoch."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ...keys.rotation import rotate
from .base import known_database
from .worker import tell_rotation


class Rotate:
    """Start a new epoch: a new key for all that is written from now on."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """None."""

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Running processes go on under the new epoch by themselves."""
        tell_rotation(command, rotate(known_database(options)))
