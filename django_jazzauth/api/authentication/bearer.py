"""Where a token stands in a request, and what kind it says it is."""

from __future__ import annotations

from urllib.parse import unquote

import jwt
from django.http import HttpRequest

from ...conf import get_settings
from ...identity import KNOWN_ISSUERS
from ..cookies import unsign
from ..options import ApiOptions, options_for
from ..origin import check_origin
from .failures import Unauthenticated

_PREFIX = "Bearer "
_SCHEME = "bearer "
_SEGMENTS = 3


def token_of(request: HttpRequest) -> str | None:
    """The token of a request: ``Authorization: Bearer``, else the cookie of the settings.

    Raises:
        Unauthenticated: there is an ``Authorization`` header of another form. The scheme's case
            matters, as on a Jazz server.
        ApiError: 403, a state-changing request with the cookie comes from an untrusted origin.
    """
    header = request.META.get("HTTP_AUTHORIZATION")
    if header is None:
        return _cookie(request)
    if not header.startswith(_PREFIX):
        raise Unauthenticated("invalid", "Invalid Authorization header format")
    token: str = header.removeprefix(_PREFIX).strip()
    if not token:
        raise Unauthenticated("invalid", "Empty bearer token")
    return token


def session_token_of(request: HttpRequest, options: ApiOptions) -> str | None:
    """The session token of the ``Authorization`` header, ``None`` without a genuine one.

    It may be signed (percent-encoded or not) or the bare token; the scheme's case does not matter,
    as in Better Auth.
    """
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if header[: len(_SCHEME)].lower() != _SCHEME:
        return None
    token = header[len(_SCHEME) :].strip()
    if "." not in token:
        return token or None
    return unsign(unquote(token), options.secret)


def jwt_of(request: HttpRequest) -> str | None:
    """The token of a request if it looks like a JWT; ``None`` for other credentials."""
    header = request.META.get("HTTP_AUTHORIZATION")
    if header is None:
        token = _cookie(request)
    elif header.startswith(_PREFIX):
        token = header.removeprefix(_PREFIX).strip()
    else:
        return None
    return token if token and token.count(".") == _SEGMENTS - 1 else None


def self_signed_issuer(token: str) -> str | None:
    """Which of the two Jazz issuers a token names, before anything is verified; else ``None``."""
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    return issuer if isinstance(issuer, str) and issuer in KNOWN_ISSUERS else None


def _cookie(request: HttpRequest) -> str | None:
    name = get_settings().JAZZ.TOKEN_COOKIE
    token = None if name is None else request.COOKIES.get(name, "").strip()
    if token:
        # A browser sends it by itself, also for a form on somebody else's page.
        check_origin(request, options_for(request).trusted_origins)
    return token or None
