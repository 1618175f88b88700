"""Checking e-mail and password, and telling the rest of the project about it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.http import HttpRequest

from ..hashers import verify_against_nobody


def user_with_password(email: str, password: str, request: HttpRequest) -> Any:
    """The active user of that e-mail and password, or ``None``.

    The work is the same whether the e-mail is known or not: one look-up and one hash.
    """
    user = get_user_model()._default_manager.with_email(email)
    if user is None:
        verify_against_nobody(password)
        correct = False
    else:
        # For an unusable password Django hashes a random one, so that costs the same too.
        correct = user.check_password(password)
    if user is None or not correct or not user.is_active:
        user_login_failed.send(
            sender=__name__, credentials={"email": email, "password": "*" * 20}, request=request
        )
        return None
    return user


def announce(user: Any, request: HttpRequest) -> None:
    """Send Django's ``user_logged_in``, as every other way to sign in does."""
    user_logged_in.send(sender=type(user), request=request, user=user)
