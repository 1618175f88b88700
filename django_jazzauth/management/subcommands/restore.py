"""``jazzauth restore``: a deleted entity brought back."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from ...store import store
from ..entities import find_key, find_model
from .base import known_database


class Restore:
    """Bring a deleted entity back, with what was deleted along with it."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The model and the key."""
        parser.add_argument("model", help="user, or django_jazzauth.User.")
        parser.add_argument("pk", help="The primary key; `history` and `verify` print it.")

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """The entity and what hung on it, such as a user's accounts; sessions stay dead."""
        alias = known_database(options)
        address = find_key(find_model(options["model"]), options["pk"])
        with transaction.atomic(using=alias):
            restored = store.restore_all(address.model, address.key, using=alias)
        command.stdout.write(
            command.style.SUCCESS(
                f"{address.stream} is back, as version {restored.instance.sealed_version}."
            )
        )
        for stream in restored.streams[1:]:
            command.stdout.write(f"    with it: {stream}")
        for stream in restored.left:
            command.stdout.write(f"    still deleted: {stream}")
