"""The conversation with a provider, by Authlib."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import requests
from django.utils import timezone

from ...deferred import deferred
from ...errors import JazzAuthError
from ...tokens.fetching import CONNECT_SECONDS, TOTAL_SECONDS, FetchFailed, fetch_json
from .id_tokens import InvalidIdToken, verify_id_token
from .profile import Profile, read_profile, with_listed_email
from .providers import Provider

if TYPE_CHECKING:
    from authlib.common import errors, urls
    from authlib.integrations import requests_client
else:
    errors = deferred("authlib.common.errors")
    urls = deferred("authlib.common.urls")
    requests_client = deferred("authlib.integrations.requests_client")

_INSTALLED = find_spec("authlib") is not None  # it is the extra "social"

_RESERVED = frozenset(
    {"response_type", "client_id", "redirect_uri", "state", "nonce", "scope", "code_challenge"}
    | {"code_verifier", "code_challenge_method", "response_mode", "request", "request_uri"}
)


class SocialNotInstalled(JazzAuthError):
    """Providers are configured, and Authlib is missing: ``django-jazzauth[social]``."""

    code = "SOCIAL_NOT_INSTALLED"


class ProviderRefused(JazzAuthError):
    """A provider did not give what it was asked for."""

    code = "PROVIDER_REFUSED"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a provider gave for a code or a refresh token. Not shown by ``repr``."""

    access_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)
    access_token_expires_at: datetime | None = None
    refresh_token_expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()


def authorization_url(
    provider: Provider,
    *,
    redirect_uri: str,
    state: str,
    verifier: str,
    nonce: str,
    scopes: tuple[str, ...] = (),
    login_hint: str | None = None,
    more: Mapping[str, str] | None = None,
) -> str:
    """Where to send somebody who is to sign in at ``provider``.

    Args:
        provider: which.
        redirect_uri: where it sends them back to.
        state: comes back with them.
        verifier: of PKCE; only its hash is sent (RFC 7636).
        nonce: comes back within the ID token.
        scopes: asked for besides the provider's own.
        login_hint: whom to suggest.
        more: further parameters; those that the protocol needs cannot be replaced.
    """
    definition = provider.definition
    wanted = dict.fromkeys((*provider.scopes, *scopes))
    known = {"login_hint": login_hint} if login_hint else {}
    if definition.nonce:
        known["nonce"] = nonce
    if definition.pkce:
        known["code_verifier"] = verifier
    with _session(provider, redirect_uri) as session:
        url, _state = session.create_authorization_url(
            definition.authorize, state=state, scope=definition.separator.join(wanted), **known
        )
    # Not as arguments: the client chooses the names, and some would be taken for Python's.
    chosen = {k: v for k, v in (more or {}).items() if k not in _RESERVED | known.keys()}
    parameters = {**definition.parameters, **chosen}
    return str(urls.add_params_to_uri(url, list(parameters.items())))


def exchange_code(provider: Provider, *, code: str, redirect_uri: str, verifier: str) -> Tokens:
    """Tokens for an authorization code.

    Raises:
        ProviderRefused: it gave none.
    """
    proof = {"code_verifier": verifier} if provider.definition.pkce else {}
    return _fetch(provider, redirect_uri, grant_type="authorization_code", code=code, **proof)


def refresh(provider: Provider, refresh_token: str) -> Tokens:
    """New tokens for a refresh token.

    Raises:
        ProviderRefused: it gave none.
    """
    return _fetch(provider, None, grant_type="refresh_token", refresh_token=refresh_token)


def profile_of(provider: Provider, tokens: Tokens, *, nonce: str | None = None) -> Profile:
    """Who the tokens are about: by the ID token where there is one, else by asking.

    Args:
        provider: that gave them.
        tokens: at least one.
        nonce: what the ID token must carry.

    Raises:
        ProviderRefused: it does not say, or says it in a token that is not right.
    """
    definition = provider.definition
    try:
        if tokens.id_token is not None and provider.has_id_tokens:
            expected = nonce if definition.nonce else None
            answer: Any = verify_id_token(provider, tokens.id_token, nonce=expected)
            if not answer.get(definition.fields.email) and definition.userinfo:
                # Some put the address there only. It must be about the same account.
                more = fetch_json(definition.userinfo, bearer=tokens.access_token)
                if isinstance(more, dict) and more.get("sub") == answer["sub"]:
                    answer = {**more, **answer}
        else:
            answer = fetch_json(definition.userinfo, bearer=tokens.access_token)
        if definition.emails and isinstance(answer, dict):
            emails = fetch_json(definition.emails, bearer=tokens.access_token)
            answer = with_listed_email(answer, emails if isinstance(emails, list) else None)
    except (FetchFailed, InvalidIdToken) as error:
        raise ProviderRefused(f"who it is: {error}") from None
    profile = read_profile(definition, answer) if isinstance(answer, Mapping) else None
    if profile is None:
        raise ProviderRefused("the answer does not say who it is")
    return profile


def _session(provider: Provider, redirect_uri: str | None) -> Any:
    if not _INSTALLED:
        raise SocialNotInstalled("install django-jazzauth[social] to sign in with a provider")
    options = provider.options
    session = requests_client.OAuth2Session(
        options.CLIENT_ID,
        options.CLIENT_SECRET,
        redirect_uri=redirect_uri,
        token_endpoint_auth_method=(
            "none" if options.CLIENT_SECRET is None else provider.definition.authenticate
        ),
        code_challenge_method="S256" if provider.definition.pkce else None,
    )
    session.headers["User-Agent"] = "django-jazzauth"
    return session


def _fetch(provider: Provider, redirect_uri: str | None, **parameters: str) -> Tokens:
    opened = _session(provider, redirect_uri)
    try:
        with opened as session:
            given = session.fetch_token(
                provider.definition.exchange, timeout=(CONNECT_SECONDS, TOTAL_SECONDS), **parameters
            )
    except (errors.AuthlibBaseError, requests.RequestException, ValueError, TypeError) as error:
        raise ProviderRefused(f"no token: {type(error).__name__}") from None
    return _tokens(given if isinstance(given, Mapping) else {})


def _tokens(given: Mapping[str, Any]) -> Tokens:
    access_token = _text(given.get("access_token"))
    if access_token is None:
        raise ProviderRefused("the answer has no access token")
    scope = given.get("scope")
    scopes = scope.replace(",", " ").split() if isinstance(scope, str) else ()
    return Tokens(
        access_token=access_token,
        refresh_token=_text(given.get("refresh_token")),
        id_token=_text(given.get("id_token")),
        access_token_expires_at=_end(given.get("expires_in")),
        refresh_token_expires_at=_end(given.get("refresh_token_expires_in")),
        scopes=tuple(scopes),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _end(seconds: Any) -> datetime | None:
    try:
        return timezone.now() + timedelta(seconds=int(seconds))
    except (TypeError, ValueError, OverflowError):
        return None
