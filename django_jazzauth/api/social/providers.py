"""The providers of the settings, and their endpoints."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from ...conf import ProviderSettings, get_settings
from ...errors import JazzAuthError
from ...tokens.fetching import FetchFailed, fetch_json
from .definitions import DEFINITIONS, Definition

GENERIC_SCOPES = ("openid", "email", "profile")
_DISCOVERY_SECONDS = 3600.0

# What discovery calls the endpoints -> what a definition calls them.
_ENDPOINTS = {
    "authorization_endpoint": "authorize",
    "token_endpoint": "exchange",
    "userinfo_endpoint": "userinfo",
    "jwks_uri": "jwks",
    "issuer": "issuer",
}


class ProviderUnavailable(JazzAuthError):
    """A provider cannot be used now: its configuration cannot be fetched or makes no sense."""

    code = "PROVIDER_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider, and this site's account with it."""

    name: str
    definition: Definition
    options: ProviderSettings

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that are asked for always."""
        if self.options.DISCOVERY_URL is not None:
            return self.options.SCOPES or GENERIC_SCOPES
        return (*self.definition.scopes, *self.options.SCOPES)

    @property
    def has_id_tokens(self) -> bool:
        """Whether it signs ID tokens that we can check."""
        return bool(self.definition.jwks and self.definition.issuer)


def find_provider(name: str) -> Provider | None:
    """The provider of that name; ``None`` when the settings have none.

    Raises:
        ProviderUnavailable: its configuration has to be fetched, and cannot be.
    """
    options = get_settings().SOCIAL.PROVIDERS.get(name)
    if options is None:
        return None
    if options.DISCOVERY_URL is not None:
        return Provider(name, _discovered(options.DISCOVERY_URL), options)
    known = DEFINITIONS.get(name)
    return None if known is None else Provider(name, _located(known, options), options)


def forget() -> None:
    """Drop what was discovered."""
    _found.clear()


def _located(definition: Definition, options: ProviderSettings) -> Definition:
    issuer = (options.ISSUER or definition.issuer).rstrip("/")
    return replace(
        definition,
        issuer=issuer,
        authorize=definition.authorize.replace("{issuer}", issuer),
        exchange=definition.exchange.replace("{issuer}", issuer),
        userinfo=definition.userinfo.replace("{issuer}", issuer),
        jwks=definition.jwks.replace("{issuer}", issuer),
    )


_found: dict[str, tuple[float, Definition]] = {}


def _discovered(url: str) -> Definition:
    """The endpoints of an OpenID provider (OpenID Connect Discovery 1.0), fetched once an hour."""
    fetched_at, known = _found.get(url, (float("-inf"), None))
    if known is not None and time.monotonic() - fetched_at < _DISCOVERY_SECONDS:
        return known
    try:
        definition = _read(fetch_json(url))
    except (FetchFailed, ProviderUnavailable):
        if known is None:
            raise ProviderUnavailable("the configuration of the provider cannot be had") from None
        # An outage: what it said an hour ago will do.
        return known
    _found[url] = (time.monotonic(), definition)
    return definition


def _read(document: Any) -> Definition:
    if not isinstance(document, dict):
        raise ProviderUnavailable("the configuration of the provider is no object")
    named: dict[str, Any] = {
        ours: document.get(theirs) or "" for theirs, ours in _ENDPOINTS.items()
    }
    for name, address in named.items():
        if not isinstance(address, str) or (address and not _is_address(address)):
            raise ProviderUnavailable(f"the {name} of the provider is no address")
    if not all(named[name] for name in ("authorize", "exchange", "issuer", "jwks")):
        raise ProviderUnavailable("the configuration of the provider lacks an endpoint")
    methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    basic_only = "client_secret_post" not in methods
    return Definition(
        authorize=named["authorize"],
        exchange=named["exchange"],
        userinfo=named["userinfo"],
        jwks=named["jwks"],
        issuer=named["issuer"],
        scopes=GENERIC_SCOPES,
        nonce=True,
        authenticate="client_secret_basic" if basic_only else "client_secret_post",
    )


def _is_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("https", "http") and bool(parts.netloc)
