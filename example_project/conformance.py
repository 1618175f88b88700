"""What the conformance server needs: an empty database, its administrator, a WSGI server."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection

from django_jazzauth.models import User

ADMINISTRATOR = "root-admin@example.com"
ADMINISTRATOR_PASSWORD = "root-admin-password"

# Neither addresses nor queries: both name people, and a query may hold a token.
ACCESS_LOG = "%(t)s %(m)s %(s)s %(M)sms"


def begin_anew() -> None:
    """Remove the database file of a former run.

    Raises:
        CommandError: a database server's tables, which are not this command's to drop.
    """
    if connection.vendor == "sqlite":
        file = Path(settings.DATABASES["default"]["NAME"])
        for ending in ("", "-wal", "-shm", "-journal"):
            file.with_name(file.name + ending).unlink(missing_ok=True)
    elif connection.introspection.table_names():
        raise CommandError("The conformance server wants an empty database; this one has tables.")


def add_administrator() -> None:
    """Somebody who may do everything, with a verified address."""
    User.objects.sign_up(
        email=ADMINISTRATOR,
        name="Root Admin",
        password=ADMINISTRATOR_PASSWORD,
        email_verified=True,
        is_staff=True,
        is_superuser=True,
    )


def loopback_addresses(port: int) -> list[str]:
    """A port of the loopback, over IPv6 too where that is there: ``localhost`` may mean either."""
    addresses = [f"127.0.0.1:{port}"]
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return addresses
    return [*addresses, f"[::1]:{port}"]


def server_command(addresses: Sequence[str], *, workers: int, threads: int) -> list[str]:
    """The command line of the WSGI server.

    Args:
        addresses: ``host:port`` of each socket.
        workers: processes.
        threads: of each process.
    """
    bound = [argument for address in addresses for argument in ("--bind", address)]
    return [
        *(sys.executable, "-m", "gunicorn", "example_project.wsgi:application", *bound),
        *("--workers", str(workers), "--threads", str(threads), "--worker-class", "gthread"),
        *("--access-logfile", "-", "--access-logformat", ACCESS_LOG, "--no-control-socket"),
        *("--keep-alive", "30", "--graceful-timeout", "5"),
    ]
