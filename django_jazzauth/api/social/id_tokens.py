"""ID tokens (OpenID Connect Core 1.0, 3.1.3.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.crypto import constant_time_compare

from ...errors import JazzAuthError
from ...tokens.external import ExternalTokenRefused, verify_external
from ...tokens.remote_keys import remote_keys
from .providers import Provider


class InvalidIdToken(JazzAuthError):
    """An ID token that does not prove anything to this site."""

    code = "INVALID_ID_TOKEN"


def verify_id_token(
    provider: Provider, token: str, *, nonce: str | None = None
) -> Mapping[str, Any]:
    """The claims of an ID token of ``provider``.

    Args:
        provider: which must have signed it, for this site.
        token: compact form.
        nonce: what the token must carry, where one was sent.

    Raises:
        InvalidIdToken: signature, issuer, audience, end or nonce are not right.
    """
    if not provider.has_id_tokens:
        raise InvalidIdToken("the provider makes no ID tokens")
    try:
        verified = verify_external(token, remote_keys(provider.definition.jwks))
    except ExternalTokenRefused as refused:
        raise InvalidIdToken(refused.message) from None
    claims = verified.payload
    expected = provider.definition.issuer.replace("{tid}", str(claims.get("tid", "")))
    # Google's tokens may name it without the scheme.
    if claims.get("iss") not in (expected, expected.removeprefix("https://")):
        raise InvalidIdToken("another issuer")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    client_id = provider.options.CLIENT_ID
    authorised = claims.get("azp", client_id if len(audiences) == 1 else None)
    if client_id not in audiences or authorised != client_id:
        raise InvalidIdToken("another audience")
    if claims.get("exp") is None:
        raise InvalidIdToken("without an end")
    given = claims.get("nonce")
    if nonce is not None and not (isinstance(given, str) and constant_time_compare(given, nonce)):
        raise InvalidIdToken("another nonce")
    return claims
