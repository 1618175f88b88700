"""Changing users."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def update_user(user: Any, changes: dict[str, Any], request: HttpRequest) -> None:
    """Change fields of ``user``.

    Args:
        user: of the user model.
        changes: new values by the model's field names.
        request: the one that asks for it.
    """
    for name, value in changes.items():
        setattr(user, name, value)
    user.save(update_fields=list(changes))
