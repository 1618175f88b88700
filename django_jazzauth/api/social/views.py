"""``/callback/:provider``: somebody comes back from a provider."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus, urlencode

from django.contrib.auth import get_user_model
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from ..answers import REDIRECT, answers
from ..endpoint import Endpoint
from ..errors import ApiError
from ..request_body import read_body
from . import account_cookie
from .linking import LinkRefused, link, user_for
from .payloads import CallbackQuery
from .profile import Profile, name_given_by_app
from .protocol import ProviderRefused, exchange_code, profile_of
from .providers import Provider, ProviderUnavailable, find_provider
from .state import STATE_COOKIE, PendingSignIn, peek, take

_POSTED = ("code", "state", "error", "error_description", "iss", "user")
_MAX_LENGTH = 4096


class _Failed(Exception):
    """Ends a callback: the browser goes to the error address with this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CallbackView(Endpoint):
    """Finish what ``/sign-in/social`` or ``/link-social`` began."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Without the origin rule: a provider sends a form, and nothing is done with it here."""
        APIView.initial(self, request, *args, **kwargs)

    @answers(REDIRECT, form=CallbackQuery, checks_origin=False)
    def post(self, request: Request, provider: str) -> HttpResponse:
        """302 to the same address with the form as its query.

        A browser does not send our cookies along with a form from elsewhere; it does on the way
        from here to here.
        """
        form = read_body(self, request)
        form = form if isinstance(form, dict) else {}
        known = {name: form[name] for name in _POSTED if isinstance(form.get(name), str)}
        url = self.url_of("social-callback", provider=provider)
        query = urlencode({**request.query_params.dict(), **known})
        return self.redirect(f"{url}?{query}" if query else url)

    @answers(REDIRECT, query=CallbackQuery, opens_session=True)
    def get(self, request: Request, provider: str) -> HttpResponse:
        """302: signed in to the callback address, otherwise to the error address."""
        query = request.query_params
        state = query.get("state", "")
        if not state:
            return self._fail(None, "state_not_found")
        pending = peek(state)
        if (
            pending is None
            or pending.provider != provider
            or self.jar.read(self.http, STATE_COOKIE) != state
            or (pending := take(state)) is None
        ):
            # The first three leave the state to the browser that it belongs to.
            return self._fail(pending, "state_mismatch")
        if query.get("error"):
            answer = self._fail(pending, query["error"], query.get("error_description"))
        else:
            try:
                answer = self._finish(pending, query.get("code", ""))
            except (_Failed, LinkRefused) as failed:
                answer = self._fail(pending, failed.reason)
            except ApiError as refused:
                answer = self._fail(pending, refused.code.lower(), refused.message)
        self.jar.remove(answer, STATE_COOKIE)
        return answer

    def _finish(self, pending: PendingSignIn, code: str) -> HttpResponse:
        provider = _provider(pending.provider)
        if not code or len(code) > _MAX_LENGTH:
            raise _Failed("no_code")
        try:
            tokens = exchange_code(
                provider,
                code=code,
                redirect_uri=self.url_of("social-callback", provider=provider.name),
                verifier=pending.verifier,
            )
        except ProviderRefused:
            raise _Failed("invalid_code") from None
        try:
            profile = profile_of(provider, tokens, nonce=pending.nonce)
        except ProviderRefused:
            raise _Failed("unable_to_get_user_info") from None
        if not profile.name:
            profile = replace(profile, name=_name_in(self.request.query_params.get("user")))
        target = pending.callback_url or self.api_options.origin
        if pending.link_user is not None:
            user = get_user_model()._default_manager.filter(pk=pending.link_user).first()
            if user is None or not user.is_active:
                raise _Failed("unable_to_link_account")
            link(user, provider, profile, tokens, self.http)
            return self._with_account(self.redirect(target), provider, profile)
        user, is_new = user_for(provider, profile, tokens, self.http, sign_up=pending.sign_up)
        if not user.is_active:
            raise _Failed("unable_to_create_session")
        if is_new:
            self.letters.welcome(user, callback_url=pending.callback_url)
        answer = self.sign_in(
            user,
            lambda _session: self.redirect((is_new and pending.new_user_url) or target),
            method=provider.name,
            factor="provider",
        )
        return self._with_account(answer, provider, profile)

    def _with_account(
        self, answer: HttpResponse, provider: Provider, profile: Profile
    ) -> HttpResponse:
        account_cookie.write(answer, self.jar, provider, profile)
        return answer

    def _fail(
        self, pending: PendingSignIn | None, reason: str, description: str | None = None
    ) -> HttpResponse:
        url = pending.error_url if pending and pending.error_url else self.url_of("error")
        query = f"error={quote_plus(reason)}"
        if description:
            query += f"&error_description={quote_plus(description)}"
        return self.redirect(f"{url}{'&' if '?' in url else '?'}{query}")


def _name_in(user: str | None) -> str:
    try:
        return name_given_by_app(json.loads(user or "null"))
    except (ValueError, RecursionError):
        return ""


def _provider(name: str) -> Provider:
    try:
        provider = find_provider(name)
    except ProviderUnavailable:
        provider = None
    if provider is None:
        raise _Failed("oauth_provider_not_found")
    return provider
