"""Tokens of another issuer, by its published keys."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpRequest

from ...conf import get_settings
from ...tokens.external import ExternalToken, ExternalTokenRefused, KeySource, verify_external
from ...tokens.remote_keys import remote_keys
from .base import TokenAuthentication
from .bearer import jwt_of, self_signed_issuer
from .failures import Unauthenticated
from .session import AuthSession


class ExternalJWTAuthentication(TokenAuthentication):
    """A bearer JWT of another issuer.

    For several issuers, make a subclass for each; a subclass may also insist on issuer and
    audience, which a Jazz server does not. With both at ``None``, whatever those keys have signed
    is taken.

    Attributes:
        jwks_url: where the keys are published; ``None``: the setting ``JAZZ["JWKS_URL"]``.
        issuer: what ``iss`` must be.
        audience: what ``aud`` must be or hold.
    """

    jwks_url: ClassVar[str | None] = None
    issuer: ClassVar[str | None] = None
    audience: ClassVar[str | None] = None

    def session_of(self, request: HttpRequest) -> AuthSession | None:
        """The session of the token; ``None`` without a JWT, and for self-signed ones."""
        token = jwt_of(request)
        if token is None or self_signed_issuer(token) is not None:
            return None
        verified = self.verified(token)
        if self.issuer is not None and verified.issuer != self.issuer:
            raise Unauthenticated("invalid", "JWT is of another issuer")
        if self.audience is not None:
            audience = verified.payload.get("aud")
            if self.audience not in (audience if isinstance(audience, list) else [audience]):
                raise Unauthenticated("invalid", "JWT is made out to another audience")
        return external_session(verified)

    def verified(self, token: str) -> ExternalToken:
        """The token, checked with the keys of this class.

        Raises:
            Unauthenticated: it is refused, or no keys are configured.
        """
        return verified_by(token, configured_keys(self.jwks_url))


def configured_keys(url: str | None = None) -> KeySource | None:
    """The keys published at ``url``, or at the address in the settings; ``None`` without one."""
    options = get_settings().JAZZ
    url = url or options.JWKS_URL
    if url is None:
        return None
    return remote_keys(url, max_age=options.JWKS_MAX_AGE, max_stale=options.JWKS_MAX_STALE)


def verified_by(token: str, keys: KeySource | None) -> ExternalToken:
    """The token, checked with ``keys``.

    Raises:
        Unauthenticated: it is refused, or there are no keys.
    """
    if keys is None:
        raise Unauthenticated("disabled", "JWT auth is not enabled for this app")
    try:
        return verify_external(token, keys)
    except ExternalTokenRefused as refused:
        raise Unauthenticated(refused.reason, refused.message) from None


def external_session(token: ExternalToken) -> AuthSession:
    """The session that a verified token makes."""
    return AuthSession(user_id=token.subject, claims=token.session_claims)
