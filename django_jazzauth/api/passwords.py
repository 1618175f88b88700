"""Passwords: the rule for new ones, checking the present one, and replacing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest

from ..conf import get_settings
from ..hashers import normalise_password
from ..models import Account
from ..models.account import CREDENTIAL
from . import hooks
from .errors import ApiError

# What the functions below refuse with, for those that call them to declare.
REFUSED_PASSWORD = ("CREDENTIAL_ACCOUNT_NOT_FOUND", "INVALID_PASSWORD")
REFUSED_NEW_PASSWORD = (
    *("PASSWORD_TOO_SHORT", "PASSWORD_TOO_LONG"),
    # A hook refuses.
    *("FAILED_TO_CREATE_USER", "FAILED_TO_UPDATE_USER"),
)


def check_new_password(password: str) -> None:
    """Refuse a password that is too short or too long.

    Measured as it is hashed, in normal form NFKC, and in UTF-16 units, as JavaScript does: a
    client that checks the length itself comes to the same result.

    Raises:
        ApiError: 400.
    """
    options = get_settings().PASSWORD
    length = len(normalise_password(password).encode("utf-16-le", "surrogatepass")) // 2
    if length < options.MIN_LENGTH:
        raise ApiError(400, "PASSWORD_TOO_SHORT")
    if length > options.MAX_LENGTH:
        raise ApiError(400, "PASSWORD_TOO_LONG")


def require_password(user: Any, password: str) -> None:
    """Refuse unless ``password`` is the user's.

    Raises:
        ApiError: 400; a user without a password is told so.
    """
    if not user.has_usable_password():
        raise ApiError(400, "CREDENTIAL_ACCOUNT_NOT_FOUND")
    if not user.check_password(password):
        raise ApiError(400, "INVALID_PASSWORD")


def replace_password(
    user: Any,
    password: str,
    *,
    request: HttpRequest | None = None,
    along: Callable[[], None] | None = None,
) -> None:
    """Give ``user`` a new password, and the credential account if they have none yet.

    Hooks see it as a change of that account; the password itself is not shown to them.

    Args:
        user: whose.
        password: the new one, as typed.
        request: the one that asks for it.
        along: writes something else in the same transaction, or refuses.

    Raises:
        ApiError: a hook or ``along`` refuses.
        HashingBusy: nothing was written.
    """
    accounts = Account.objects.using(user._state.db)
    account = accounts.filter(user=user, provider_id=CREDENTIAL).first()
    verb: hooks.Verb = "create" if account is None else "update"
    shown = {"user": user, "provider_id": CREDENTIAL, "account_id": str(user.pk)}
    hooks.ask("account", verb, shown, request=request, instance=account)
    user.set_password(password)
    with transaction.atomic(using=user._state.db):
        if along is not None:
            along()
        user.save(update_fields=["password"])
        if account is None:
            account, _made = accounts.get_or_create(
                provider_id=CREDENTIAL, account_id=str(user.pk), defaults={"user": user}
            )
        else:
            account.save(update_fields=["updated_at"])
    hooks.tell("account", verb, account, request=request)


def set_password(user: Any, password: str) -> None:
    """Give a first password to a user who has none: one who came from a provider.

    For calls from Python only; Better Auth has no path for it either, since whoever holds a
    session could otherwise make it last.

    Raises:
        ApiError: 400 when the user has a password, or the new one is too short or too long.
    """
    check_new_password(password)
    if user.has_usable_password():
        raise ApiError(400, "PASSWORD_ALREADY_SET")
    replace_password(user, password)
