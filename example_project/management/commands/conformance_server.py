"""``manage.py conformance_server``: a fresh database with an administrator, and a server on it."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.checks import WARNING
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from ... import conformance, provision


class Command(BaseCommand):
    """Every start begins anew: nothing of a former run is kept, the worker secret excepted."""

    help = (
        "Serves the API as the recorded Better Auth server was set up, over a fresh database. "
        "For checks from outside; run it with --settings example_project.settings_conformance."
    )

    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """``--port``, ``--workers`` and ``--threads``."""
        parser.add_argument("--port", type=int, default=8000, help="Of localhost. Default: 8000.")
        parser.add_argument("--workers", type=int, default=1, help="Processes. Default: 1.")
        parser.add_argument("--threads", type=int, default=24, help="Of each. Default: 24.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Set it up, then become the server.

        Raises:
            CommandError: these are not the settings for it.
        """
        if not getattr(settings, "JAZZAUTH", {}).get("TEST_OUTBOX"):
            raise CommandError("Run it with --settings example_project.settings_conformance.")
        provision.make_directory()
        provision.make_worker_secret()
        conformance.begin_anew()
        call_command("migrate", verbosity=0, interactive=False)
        self.check(fail_level=WARNING)
        conformance.add_administrator()
        connections.close_all()
        command = conformance.server_command(
            conformance.loopback_addresses(options["port"]),
            workers=options["workers"],
            threads=options["threads"],
        )
        self.stdout.write(f"{settings.JAZZAUTH['BASE_URL']}/api/auth/, mails at /test-outbox")
        self.stdout.flush()
        sys.stderr.flush()
        os.execv(command[0], command)
