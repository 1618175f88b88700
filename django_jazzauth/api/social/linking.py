"""Which user an account at a provider belongs to, and when it is linked to one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from ...conf import get_settings
from ...errors import JazzAuthError
from ...models import Account
from .. import hooks
from ..users import create_without_password, update_user
from .profile import Profile
from .protocol import Tokens
from .providers import Provider


class LinkRefused(JazzAuthError):
    """An account at a provider opens nothing here.

    Args:
        reason: what the client is told, e.g. ``account_not_linked``.
    """

    code = "LINK_REFUSED"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def user_for(
    provider: Provider, profile: Profile, tokens: Tokens, request: HttpRequest, *, sign_up: bool
) -> tuple[Any, bool]:
    """The user who signs in with ``profile``, and whether they are new.

    An account that is not linked yet is linked to the user of the same address, if both sides have
    verified it: otherwise whoever registered an address here first, or there, would get into the
    account of its owner.

    Args:
        provider: where the profile is from.
        profile: who it is.
        tokens: are stored with the account.
        request: the one that leads to it.
        sign_up: whether a new user may be made where the settings say not to.

    Raises:
        LinkRefused: with the reason.
        ApiError: a hook refuses.
    """
    account = account_at(provider, profile)
    if account is not None:
        store_tokens(account, tokens, request)
        return account.user, False
    if profile.email is None:
        raise LinkRefused("email_not_found")
    user = get_user_model()._default_manager.with_email(profile.email)
    if user is None:
        if not (provider.options.ALLOW_SIGN_UP or sign_up):
            raise LinkRefused("signup_disabled")
        return _create(provider, profile, tokens, request), True
    if not (get_settings().SOCIAL.LINK_BY_EMAIL and _believed(provider, profile)):
        raise LinkRefused("account_not_linked")
    # Look-alike letters fold to the same address. They may name a mailbox of somebody else.
    if not user.email_verified or user.email.lower() != profile.email:
        raise LinkRefused("account_not_linked")
    _add_account(user, provider, profile, tokens, request)
    return user, False


def link(
    user: Any, provider: Provider, profile: Profile, tokens: Tokens, request: HttpRequest
) -> None:
    """Link an account to a signed-in user.

    Raises:
        LinkRefused: it belongs to another user, or the settings do not allow it.
        ApiError: a hook refuses.
    """
    options = get_settings().SOCIAL
    if not _believed(provider, profile):
        raise LinkRefused("unable_to_link_account")
    if not options.LINK_OTHER_EMAILS and profile.email != user.email.lower():
        raise LinkRefused("email_does_not_match")
    account = account_at(provider, profile)
    if account is None:
        _add_account(user, provider, profile, tokens, request)
    elif account.user_id != user.pk:
        raise LinkRefused("account_already_linked_to_different_user")
    else:
        store_tokens(account, tokens, request)
    if profile.email == user.email.lower() and profile.email_verified and not user.email_verified:
        update_user(user, {"email_verified": True}, request)


def store_tokens(account: Account, tokens: Tokens, request: HttpRequest) -> None:
    """Keep new tokens; what the provider did not give anew stays."""
    changes = _token_fields(tokens)
    if not changes:
        return
    hooks.save("account", account, changes, request=request, touch=("updated_at",))


def account_at(provider: Provider, profile: Profile) -> Account | None:
    """The linked account of ``profile``, ``None`` when there is none."""
    found: Account | None = (
        Account.objects.filter(provider_id=provider.name, account_id=profile.id)
        .select_related("user")
        .first()
    )
    return found


def _believed(provider: Provider, profile: Profile) -> bool:
    return profile.email_verified or provider.name in get_settings().SOCIAL.TRUSTED_PROVIDERS


def _create(provider: Provider, profile: Profile, tokens: Tokens, request: HttpRequest) -> Any:
    data: dict[str, Any] = {
        "email": profile.email,
        "name": profile.name,
        "image": profile.image,
        "email_verified": profile.email_verified,
    }

    def link_it(user: Any) -> None:
        _add_account(user, provider, profile, tokens, request)

    try:
        return create_without_password(data, request, along=link_it)
    except IntegrityError:
        raise LinkRefused("unable_to_create_user") from None


def _add_account(
    user: Any, provider: Provider, profile: Profile, tokens: Tokens, request: HttpRequest
) -> None:
    data = {
        "user": user,
        "provider_id": provider.name,
        "account_id": profile.id,
        **_token_fields(tokens),
    }
    data = hooks.ask("account", "create", data, request=request)
    try:
        with transaction.atomic(using=user._state.db):
            account = Account.objects.using(user._state.db).create(**data)
    except IntegrityError:
        # Somebody else linked it between the look and the insert.
        raise LinkRefused("unable_to_link_account") from None
    hooks.tell("account", "create", account, request=request)


def _token_fields(tokens: Tokens) -> dict[str, Any]:
    given: dict[str, str | datetime | None] = {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "id_token": tokens.id_token,
        "access_token_expires_at": tokens.access_token_expires_at,
        "refresh_token_expires_at": tokens.refresh_token_expires_at,
        "scope": ",".join(tokens.scopes) or None,
    }
    return {name: value for name, value in given.items() if value is not None}
