"""The accounts that are linked to the signed-in user, and the tokens of their providers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jwt
from django.db import transaction
from django.utils import timezone
from rest_framework.request import Request

from ...conf import get_settings
from ...models import Account
from ...models.account import CREDENTIAL
from .. import wire
from ..answers import Reply, answers
from ..endpoint import Endpoint
from ..errors import ApiError
from ..payloads import StatusPayload
from ..responses import Response
from ..serializers import validate
from . import account_cookie
from .bodies import AccountBody, AccountQuery, UnlinkAccountBody
from .linked_accounts import accounts_of, chosen
from .linking import store_tokens
from .payloads import (
    AccessTokenPayload,
    AccountInfoPayload,
    AccountInfoQuery,
    AccountPayload,
    RefreshedTokensPayload,
)
from .profile import read_profile
from .protocol import ProviderRefused, Tokens, profile_of, refresh
from .providers import Provider, ProviderUnavailable, find_provider

# A token that ends within these seconds would end on its way.
_SPARE = timedelta(seconds=5)
_REFUSED = ("ACCOUNT_NOT_FOUND", "REFRESH_TOKEN_NOT_FOUND", "FAILED_TO_UPDATE_USER")


class ListAccountsView(Endpoint):
    """How the user can sign in."""

    @answers(Reply((AccountPayload,), many=True), session="required", operation="listUserAccounts")
    def get(self, request: Request) -> Response:
        """Every linked account, oldest first; no tokens."""
        accounts = accounts_of(self.require_session().user)
        return Response(
            [
                {
                    "accountId": account.account_id,
                    "providerId": account.provider_id,
                    "userId": str(account.user_id),
                    "createdAt": wire.iso(account.created_at),
                    "updatedAt": wire.iso(account.updated_at),
                    "id": str(account.pk),
                    "scopes": _scopes(account),
                }
                for account in accounts
            ]
        )


class UnlinkAccountView(Endpoint):
    """Remove a way to sign in."""

    body_class = UnlinkAccountBody

    @answers(
        StatusPayload,
        session="fresh",
        errors={400: ("FAILED_TO_UNLINK_LAST_ACCOUNT", "ACCOUNT_NOT_FOUND")},
    )
    def post(self, request: Request) -> Response:
        """``{status: true}``; 400 for the last one."""
        user = self.require_fresh_session().user
        provider_id, account_id = self.body.get("provider_id"), self.body.get("account_id")
        if provider_id is None and account_id is None:
            reason = "Invalid input: expected string, received undefined"
            raise ApiError(400, "VALIDATION_ERROR", f"[body.accountId] {reason}")
        with transaction.atomic(using=Account.objects.db):
            # Two requests at once must not remove the last two accounts.
            accounts = accounts_of(user, lock=True)
            if len(accounts) <= 1 and not get_settings().SOCIAL.UNLINK_LAST:
                raise ApiError(
                    400, "FAILED_TO_UNLINK_LAST_ACCOUNT", "You can't unlink your last account"
                )
            account = chosen(accounts, account_id, provider_id)
            if account.provider_id == CREDENTIAL:
                # The password is the user's; without it, the account is only a name.
                user.set_unusable_password()
                user.save(update_fields=["password"])
            if not account._state.adding:
                account.delete()
        return Response({"status": True})


class _TokenEndpoint(Endpoint):
    """Base: finds the account and its provider."""

    def chosen_account(self) -> Account:
        """The account that the body names.

        Raises:
            ApiError: 400, after 401 when nobody is signed in.
        """
        user = self.require_session().user
        where = "query" if self.request.method == "GET" else "body"
        given = self.query if where == "query" else self.body
        account_id, provider_id = given.get("account_id"), given.get("provider_id")
        if account_id is None and provider_id is None:
            if not given.get("use_account_cookie"):
                raise ApiError(400, "VALIDATION_ERROR", f"[{where}] Invalid input")
            account_id = account_cookie.read(self.http, self.jar)
        return chosen(accounts_of(user), account_id, provider_id)

    def refreshed(self, account: Account, provider: Provider, *, code: str) -> Account:
        """The account with new tokens.

        Raises:
            ApiError: 400 when there is no refresh token, or the provider does not take it.
        """
        if not account.refresh_token:
            raise ApiError(400, "REFRESH_TOKEN_NOT_FOUND", "Refresh token not found")
        try:
            tokens = refresh(provider, account.refresh_token)
        except ProviderRefused:
            message = code.replace("_", " ").capitalize()
            raise ApiError(400, code, message) from None
        store_tokens(account, tokens, self.http)
        return account


_ACCESS_ERRORS = {
    400: ("PROVIDER_NOT_SUPPORTED", "FAILED_TO_GET_ACCESS_TOKEN", *_REFUSED),
    503: ("PROVIDER_UNAVAILABLE",),
}


class GetAccessTokenView(_TokenEndpoint):
    """The access token of a linked account, made anew where it has run out."""

    body_class = AccountBody

    @answers(
        AccessTokenPayload,
        session="required",
        operation="getAccessTokenByQuery",
        query=AccountQuery,
        errors={**_ACCESS_ERRORS, 400: ("VALIDATION_ERROR", *_ACCESS_ERRORS[400])},
    )
    def get(self, request: Request) -> Response:
        """The same, as older lists of paths have it; nobody may keep the answer."""
        self.query = validate(AccountQuery, request.query_params.dict(), where="query")
        answer = self.post(request)
        answer["Cache-Control"] = "no-store"
        return answer

    @answers(
        AccessTokenPayload,
        session="required",
        errors=_ACCESS_ERRORS,
    )
    def post(self, request: Request) -> Response:
        """``{accessToken, accessTokenExpiresAt, scopes, idToken}``."""
        account = self.chosen_account()
        provider = _provider_of(account)
        ends = account.access_token_expires_at
        if ends is not None and ends <= timezone.now() + _SPARE and account.refresh_token:
            account = self.refreshed(account, provider, code="FAILED_TO_GET_ACCESS_TOKEN")
        return Response(
            {
                "accessToken": account.access_token,
                "accessTokenExpiresAt": _iso(account.access_token_expires_at),
                "scopes": _scopes(account),
                "idToken": account.id_token,
            }
        )


class RefreshTokenView(_TokenEndpoint):
    """New tokens from the provider of a linked account."""

    body_class = AccountBody

    @answers(
        RefreshedTokensPayload,
        session="required",
        errors={
            400: ("PROVIDER_NOT_SUPPORTED", "FAILED_TO_REFRESH_ACCESS_TOKEN", *_REFUSED),
            503: ("PROVIDER_UNAVAILABLE",),
        },
    )
    def post(self, request: Request) -> Response:
        """The tokens, with ``providerId`` and the account's id."""
        account = self.chosen_account()
        provider = _provider_of(account)
        account = self.refreshed(account, provider, code="FAILED_TO_REFRESH_ACCESS_TOKEN")
        return Response(
            {
                "accessToken": account.access_token,
                "refreshToken": account.refresh_token,
                "accessTokenExpiresAt": _iso(account.access_token_expires_at),
                "refreshTokenExpiresAt": _iso(account.refresh_token_expires_at),
                "scope": account.scope,
                "idToken": account.id_token,
                "providerId": account.provider_id,
                "accountId": str(account.pk),
            }
        )


class AccountInfoView(_TokenEndpoint):
    """What the provider says about a linked account."""

    @answers(
        AccountInfoPayload,
        session="required",
        query=AccountInfoQuery,
        errors={
            400: (
                *("VALIDATION_ERROR", "PROVIDER_NOT_CONFIGURED", "FAILED_TO_GET_USER_INFO"),
                *("FAILED_TO_GET_ACCESS_TOKEN", *_REFUSED),
            ),
            503: ("PROVIDER_UNAVAILABLE",),
        },
    )
    def get(self, request: Request) -> Response:
        """``{user, data, account}``."""
        user = self.require_session().user
        account_id = request.query_params.get("accountId")
        if account_id is None:
            raise ApiError(400, "VALIDATION_ERROR", "[query] Invalid input")
        account = chosen(accounts_of(user), account_id, request.query_params.get("providerId"))
        provider = _configured(account)
        if provider is None:
            message = "Account is not associated with a configured social provider."
            raise ApiError(400, "PROVIDER_NOT_CONFIGURED", message)
        profile = None
        if account.id_token and provider.has_id_tokens:
            # It was checked when it came, and has been sealed since; it may have run out.
            claims = jwt.decode(account.id_token, options={"verify_signature": False})
            profile = read_profile(provider.definition, claims)
        if profile is None:
            profile = self._asked(account, provider)
        seen = {"emailVerified": profile.email_verified, "image": profile.image}
        return Response(
            {
                "user": {"name": profile.name, "email": profile.email, **seen},
                "data": {"id": profile.id, **seen, **profile.raw},
                "account": {
                    "id": str(account.pk),
                    "providerId": account.provider_id,
                    "accountId": account.account_id,
                },
            }
        )

    def _asked(self, account: Account, provider: Provider) -> Any:
        ends = account.access_token_expires_at
        if ends is not None and ends <= timezone.now() + _SPARE and account.refresh_token:
            account = self.refreshed(account, provider, code="FAILED_TO_GET_ACCESS_TOKEN")
        try:
            return profile_of(provider, Tokens(access_token=account.access_token))
        except ProviderRefused:
            raise ApiError(400, "FAILED_TO_GET_USER_INFO") from None


def _provider_of(account: Account) -> Provider:
    provider = _configured(account)
    if provider is None:
        message = f"Provider {account.provider_id} is not supported."
        raise ApiError(400, "PROVIDER_NOT_SUPPORTED", message)
    return provider


def _configured(account: Account) -> Provider | None:
    try:
        return find_provider(account.provider_id)
    except ProviderUnavailable as error:
        raise ApiError(503, error.code, "The provider cannot be reached") from None


def _scopes(account: Account) -> list[str]:
    return (account.scope or "").replace(",", " ").split()


def _iso(moment: Any) -> str | None:
    return None if moment is None else wire.iso(moment)
