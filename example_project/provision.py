"""What the demo needs before it can be shown: a secret, tables, an administrator, some people."""

from __future__ import annotations

import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import transaction

from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.management.subcommands.init import write_secret_file
from django_jazzauth.models import User

ADMINISTRATOR = "admin"

_PEOPLE = {
    "Editors": ("Grace Hopper", "Katherine Johnson", "Dorothy Vaughan", "Mary Jackson"),
    "Readers": ("Alan Turing", "Edsger Dijkstra", "Barbara Liskov", "Radia Perlman"),
}


def make_directory() -> None:
    """The directory that everything is written to."""
    settings.VAR.mkdir(parents=True, exist_ok=True)


def make_worker_secret() -> Path | None:
    """Make the worker secret's file where there is none yet.

    Returns:
        Its path if it was made now.

    Raises:
        CommandError: it cannot be written.
    """
    path: Path | None = settings.JAZZAUTH.get("WORKER_SECRET_FILE")
    if path is None or path.exists():
        return None
    write_secret_file(path, WorkerSecret.generate())
    return path


def migrate() -> None:
    """Make the tables."""
    call_command("migrate", verbosity=0, interactive=False)


def renew_administrator() -> str:
    """Give the administrator, made if need be, a new password.

    Returns:
        The password, which holds until the next call; it is kept nowhere.
    """
    password = secrets.token_urlsafe(9)
    user = User.objects.filter(username=ADMINISTRATOR).first()
    if user is None:
        User.objects.create_superuser(
            ADMINISTRATOR, "admin@example.org", password, name="The administrator"
        )
    else:
        user.set_password(password)
        user.save(update_fields=["password"])
    return password


@transaction.atomic
def add_people() -> int:
    """Add some people in two groups, unless they are there.

    Returns:
        How many people there are.
    """
    for group_name, names in _PEOPLE.items():
        group, made = Group.objects.get_or_create(name=group_name)
        for name in names if made else ():
            username = name.split()[0].lower()
            user = User.objects.create_user(username, f"{username}@example.org", name=name)
            user.groups.add(group)
    return User.objects.count()
