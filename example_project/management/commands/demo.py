"""``manage.py demo``: set the example project up, show how it works, and serve it."""

from __future__ import annotations

import socket
from typing import Any

from django.core.checks import WARNING
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.management.commands.runserver import naiveip_re

from ... import provision
from ...tour import TourSurprise, take_tour


class Command(BaseCommand):
    """Set-up, tour, server; each can be repeated."""

    help = "Sets the example project up, shows a tour of the event store, and serves it."

    # There is no worker secret before the first run; the checks follow once there is.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """``--check`` and ``--address``."""
        parser.add_argument(
            "--check", action="store_true", help="Take the tour and exit; fails on any surprise."
        )
        parser.add_argument(
            "--address", default="127.0.0.1:8000", help="Where to serve. Default: 127.0.0.1:8000."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it.

        Raises:
            CommandError: the address is taken, the set-up failed, or the tour saw something that
                it should not have.
        """
        if not options["check"]:
            _require_free(options["address"])  # before the password of a running demo is changed
        provision.make_directory()
        secret = provision.make_worker_secret()
        provision.migrate()
        self.check(fail_level=WARNING)  # these settings are meant to be copied
        password = provision.renew_administrator()
        people = provision.add_people()
        if secret is not None:
            self.stdout.write(f"The worker secret, which opens this database, is in {secret}.")
        self.stdout.write(f"The database has {people} users.\n\n")
        try:
            take_tour(self.stdout.write)
        except TourSurprise as surprise:
            raise CommandError(f"The tour saw something it should not have: {surprise}") from None
        if options["check"]:
            return
        address = options["address"]
        # A passkey belongs to a name, so the page is opened by one.
        page = address.replace("127.0.0.1", "localhost")
        self.stdout.write(
            f"\nhttp://{page}/   local-first identity in your browser\n"
            f"http://{address}/admin/   user {provision.ADMINISTRATOR}   password {password}"
            "   (for this run only)\n\n"
        )
        call_command("runserver", address, use_reloader=False, skip_checks=True)


def _require_free(address: str) -> None:
    """Look whether ``address`` can be served.

    Raises:
        CommandError: it is taken, or is none.
    """
    parts = naiveip_re.match(address)
    if parts is None:
        raise CommandError(f"{address!r} is no address; give one such as 127.0.0.1:8001.")
    host = (parts["addr"] or "127.0.0.1").strip("[]")
    port = int(parts["port"])
    try:
        family = socket.AF_INET6 if parts["ipv6"] else socket.AF_INET
        socket.create_server((host, port), family=family).close()
    except (OSError, OverflowError) as error:
        raise CommandError(
            f"{address} cannot be served: {error}. Perhaps another demo is running there. Choose "
            f'another port: make demo ARGS="--address 127.0.0.1:{port % 60000 + 1}"'
        ) from None
