"""Signed tokens out of claims, and claims out of tokens signed here (RFC 7515, RFC 7519)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt

from .. import compact_json
from ..errors import JazzAuthError
from .algorithms import load_jwk
from .keys import published_keys, signing_key


class _Tokens(jwt.PyJWT):
    """PyJWT, with our JSON."""

    def _encode_payload(
        self,
        payload: dict[str, Any],
        headers: dict[str, Any] | None = None,
        json_encoder: Any = None,
    ) -> bytes:
        return compact_json.encode(payload)


_tokens = _Tokens()


class InvalidToken(JazzAuthError):
    """A token that was not signed here, was changed, or is not valid now."""

    code = "INVALID_TOKEN"


class TokenExpired(InvalidToken):
    """A token that was signed here and has run out."""

    code = "TOKEN_EXPIRED"


def sign(claims: Mapping[str, Any], *, using: str | None = None) -> str:
    """Sign ``claims`` with the present key; the header carries ``alg`` and ``kid`` only."""
    key = signing_key(using)
    return _tokens.encode(
        dict(claims),
        key.private_key,
        algorithm=key.algorithm,
        # PyJWT leaves an empty ``typ`` out, as Better Auth does.
        headers={"kid": key.kid, "typ": ""},
    )


def verify(
    token: str, *, audience: str, issuer: str, leeway: int = 0, using: str | None = None
) -> dict[str, Any]:
    """The claims of a token that one of the published keys signed.

    Args:
        token: compact form.
        audience: what ``aud`` must be.
        issuer: what ``iss`` must be.
        using: database alias.
        leeway: seconds of clock difference to put up with.

    Raises:
        TokenExpired: it was valid, and has run out.
        InvalidToken: with the reason, never with the token.
    """
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        key = next((key for key in published_keys(using) if key.kid == kid), None)
        if key is None:
            raise InvalidToken("the token names no key of ours")
        claims: dict[str, Any] = jwt.decode(
            token,
            load_jwk(key.algorithm, key.public_jwk),
            algorithms=[key.algorithm],
            audience=audience,
            issuer=issuer,
            leeway=leeway,
            options={"require": ["exp", "iat", "sub"]},
        )
    except jwt.ExpiredSignatureError:
        raise TokenExpired("the token has expired") from None
    except (jwt.InvalidTokenError, UnicodeEncodeError) as error:
        raise InvalidToken(f"the token is not valid: {type(error).__name__}") from None
    return claims
