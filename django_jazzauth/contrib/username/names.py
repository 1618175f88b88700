"""Which names are allowed, who has one, and whether it is free."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth import get_user_model

from ...api.errors import ApiError
from ...conf import get_settings

# As in Better Auth. Django's own commands and forms allow more; such users can sign in, too.
_ALLOWED = re.compile(r"[A-Za-z0-9_.]+")
# Names that differ in case only are made by Django's own commands, if at all.
_VARIANTS = 20

REFUSED_NAME = ("USERNAME_TOO_SHORT", "USERNAME_TOO_LONG", "INVALID_USERNAME")
"""What :func:`check_name` refuses with."""


def check_name(name: str, *, status: int) -> str:
    """The name as it is stored: in lower case.

    Args:
        name: as typed.
        status: of the answer to a name that is not allowed; it differs between endpoints.

    Raises:
        ApiError: it is too short, too long, or has other characters than letters, digits, "_", ".".
    """
    limits = get_settings().USERNAME
    if len(name) < limits.MIN_LENGTH:
        raise ApiError(status, "USERNAME_TOO_SHORT")
    if len(name) > limits.MAX_LENGTH:
        raise ApiError(status, "USERNAME_TOO_LONG")
    if _ALLOWED.fullmatch(name) is None:
        raise ApiError(status, "INVALID_USERNAME")
    return name.lower()


def user_named(name: str) -> Any:
    """The user of that name, ``None`` without one.

    Always one query, so that its time does not tell whether the name is known. Django tells names
    apart by case: where several fit, the one that was typed counts, then the one in lower case.
    """
    users = get_user_model()._default_manager
    found = {user.username: user for user in users.filter(username__iexact=name)[:_VARIANTS]}
    if len(found) == 1:
        return next(iter(found.values()))
    return found.get(name) or found.get(name.lower())


def is_taken(name: str, *, but: Any = None) -> bool:
    """Whether a user, other than ``but``, has that name in whatever case."""
    others = get_user_model()._default_manager.filter(username__iexact=name)
    if but is not None:
        others = others.exclude(pk=but.pk)
    return bool(others.exists())
