"""``jazzauth signing-keys``: the keys that sign JWTs, and a new one in place of the present."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ...conf import get_settings
from ...tokens.keys import LoadedKey, all_keys, forget, rotate
from .base import known_database


class SigningKeys:
    """Show the keys that sign JWTs, or let a new one take over."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do, and how soon."""
        parser.add_argument(
            "action",
            choices=("list", "rotate"),
            help="`list` them, or `rotate`: make a new key, publish it, and let it sign in a "
            "quarter of an hour, when every verifier has it.",
        )
        parser.add_argument(
            "--at-once",
            action="store_true",
            help="With `rotate`: sign with the new key from now on, because the present one may be "
            "known to others. Verifiers that keep the old set refuse new tokens until they fetch.",
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Never shows a private key; ``list`` makes none."""
        alias = known_database(options)
        if options["action"] == "list":
            if options["at_once"]:
                raise CommandError("--at-once goes with `rotate`.")
            _list(command, alias)
            return
        made = rotate(using=alias, at_once=options["at_once"])
        when = "now" if options["at_once"] else _moment(made.active_from)
        command.stdout.write(command.style.SUCCESS(f"{made.pk} signs from {when}."))
        command.stdout.write(
            "It is published already. Former keys stay in /jwks until what they signed has ended, "
            "and for the grace period. Other processes see the change within half a minute."
        )


def _list(command: BaseCommand, alias: str) -> None:
    forget(using=alias)
    found = all_keys(alias)
    if not found:
        command.stdout.write("There is no key yet; the first is made when it is needed.")
    options = get_settings().JWT
    grace = timedelta(seconds=max(options.GRACE_PERIOD, options.LIFETIME))
    now = timezone.now()
    for key in found:
        command.stdout.write(f"{key.kid}  {key.algorithm:<6} {_state(key, now, grace)}")


def _state(key: LoadedKey, now: datetime, grace: timedelta) -> str:
    if now < key.active_from:
        return f"published, signs from {_moment(key.active_from)}"
    if key.signs_at(now):
        until = "" if key.expires_at is None else f" until {_moment(key.expires_at)}"
        idle = "" if key.algorithm == get_settings().JWT.ALGORITHM else ", if its algorithm is set"
        return f"signs{until}{idle}"
    assert key.expires_at is not None
    if key.published_at(now, grace):
        return f"signs no more, published until {_moment(key.expires_at + grace)}"
    return "signs no more, not published"


def _moment(moment: datetime) -> str:
    local = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    return f"{local:%Y-%m-%d %H:%M %Z}".rstrip()
