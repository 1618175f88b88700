"""``jazzauth as-of``: an entity as it was."""

from __future__ import annotations

import datetime
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from ...sealed import FoldedField, HeadField
from ...store import store
from ..entities import find_entity
from ..secrecy import secret_fields
from ..timeline import show_value
from .base import known_database


class AsOf:
    """Print an entity as it was at a time."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The entity and the time."""
        parser.add_argument(
            "entity", help="An e-mail, a username, a primary key, or a stream (user/<key>)."
        )
        parser.add_argument(
            "when",
            type=moment_of,
            help="2026-03-04T05:06:07+00:00, 2026-03-04 05:06, or 2026-03-04 (its first moment). "
            "Without an offset it is in the time zone of the settings.",
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Secret fields are named, their values never shown."""
        alias = known_database(options)
        address = find_entity(options["entity"], alias)
        when = options["when"]
        past = store.as_of(address.model, when, pk=address.key, using=alias)
        secret = secret_fields(address.model)
        command.stdout.write(command.style.MIGRATE_HEADING(f"{address.stream} at {when}"))
        for field in address.model._meta.concrete_fields:
            if isinstance(field, HeadField | FoldedField):
                continue
            hidden = field.name in secret
            value = "(never shown)" if hidden else show_value(getattr(past, field.attname))
            command.stdout.write(f"    {field.name}: {value}")


def moment_of(text: str) -> datetime.datetime:
    """A date or time as typed, as an aware time.

    Raises:
        ArgumentTypeError: it is neither, or in the future.
    """
    try:
        when = parse_datetime(text)
        if when is None:
            day = parse_date(text)
            when = None if day is None else datetime.datetime.combine(day, datetime.time())
    except ValueError:
        when = None
    if when is None:
        raise ArgumentTypeError(
            f"{text!r} is no time. Write it as 2026-03-04T05:06:07+00:00 or 2026-03-04."
        )
    when = timezone.make_aware(when) if timezone.is_naive(when) else when
    if when > timezone.now():
        raise ArgumentTypeError(f"{text!r} is still to come: nobody knows what will be then.")
    return when
