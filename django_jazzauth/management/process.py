"""What a process is: the management command that it runs, as the log records it."""

from __future__ import annotations

import getpass
import sys
from functools import cache
from pathlib import PurePath

_SERVERS = ("runserver", "testserver", "test")


@cache
def process_cause() -> dict[str, str]:
    """The command line's subcommand and who runs it; nothing for a server or another program.

    Arguments are left out: they can hold passwords.
    """
    name = PurePath(sys.argv[0]).name if sys.argv else ""
    if name not in ("manage.py", "django-admin", "__main__.py") or len(sys.argv) < 2:
        return {}
    command = sys.argv[1]
    if command.startswith("-") or command in _SERVERS:
        return {}
    return {"via": "command", "auth_mode": "command", "command": command, **operator()}


def operator() -> dict[str, str]:
    """The account of the operating system that runs the process."""
    try:
        return {"os_user": getpass.getuser()}
    except (KeyError, OSError, ImportError):  # no such account, as in some containers
        return {}
