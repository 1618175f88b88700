"""Single-use tokens that go out by mail."""

from __future__ import annotations

import string
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from ..models import Verification
from ..random_text import random_text
from . import hooks

_UNREDEEMABLE = 32
LETTERS_AND_DIGITS = string.ascii_letters + string.digits
DIGITS_AND_LOWER_CASE = string.digits + string.ascii_lowercase


def random_token(length: int, letters: str = LETTERS_AND_DIGITS) -> str:
    """A token that nobody guesses."""
    return random_text(length, letters)


def issue(
    identifier: str,
    value: str,
    *,
    seconds: int,
    request: HttpRequest | None = None,
    user: Any = None,
) -> Verification:
    """Store ``value`` under ``identifier``; see ``Verification.objects.consume``.

    Args:
        identifier: what it is looked up by.
        value: what its holder gets.
        seconds: for how long.
        request: the one that leads to it.
        user: whom it is about, where that is known and the time of the answer may tell.

    Raises:
        ApiError: a hook refuses.
    """
    data: dict[str, Any] = {
        "identifier": identifier,
        "value": value,
        "lifetime": timedelta(seconds=seconds),
        "user": user,
    }
    data = hooks.ask("verification", "create", data, request=request)
    verification = Verification.objects.issue(**data)
    hooks.tell("verification", "create", verification, request=request)
    return verification


def leave_unredeemable() -> None:
    """Write a verification that opens nothing and has run out already.

    For answers whose time must not tell that something else was not written: with its data key,
    event and row, and a commit, it takes about as long as a user and an account. What clears
    expired verifications removes it.
    """
    Verification.objects.issue(random_token(_UNREDEEMABLE), "", lifetime=timedelta(0))


def is_live(identifier: str) -> bool:
    """Whether ``identifier`` could be used up now; it is not."""
    found = Verification.objects.filter(identifier=identifier, expires_at__gt=timezone.now())
    return bool(found.exists())


def value_of(identifier: str) -> str | None:
    """The value of ``identifier``, which is not used up; ``None`` where it could not be."""
    live = Verification.objects.filter(identifier=identifier, expires_at__gt=timezone.now())
    newest = live.order_by("-created_at", "pk").first()
    return None if newest is None else newest.value


def use_up(identifier: str) -> str | None:
    """The value of ``identifier``, for the first who asks; ``None`` for everybody after."""
    return Verification.objects.consume(identifier)
