"""Single-use tokens that go out by mail."""

from __future__ import annotations

import secrets
import string
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from ..models import Verification
from . import hooks

LETTERS_AND_DIGITS = string.ascii_letters + string.digits
DIGITS_AND_LOWER_CASE = string.digits + string.ascii_lowercase


def random_token(length: int, letters: str = LETTERS_AND_DIGITS) -> str:
    """A token that nobody guesses."""
    return "".join(secrets.choice(letters) for _position in range(length))


def issue(
    identifier: str, value: str, *, seconds: int, request: HttpRequest | None = None
) -> Verification:
    """Store ``value`` under ``identifier``; see ``Verification.objects.consume``.

    Raises:
        ApiError: a hook refuses.
    """
    data: dict[str, Any] = {
        "identifier": identifier,
        "value": value,
        "lifetime": timedelta(seconds=seconds),
    }
    data = hooks.ask("verification", "create", data, request=request)
    verification = Verification.objects.issue(**data)
    hooks.tell("verification", "create", verification, request=request)
    return verification


def is_live(identifier: str) -> bool:
    """Whether ``identifier`` could be used up now; it is not."""
    found = Verification.objects.filter(identifier=identifier, expires_at__gt=timezone.now())
    return bool(found.exists())


def use_up(identifier: str) -> str | None:
    """The value of ``identifier``, for the first who asks; ``None`` for everybody after."""
    return Verification.objects.consume(identifier)
