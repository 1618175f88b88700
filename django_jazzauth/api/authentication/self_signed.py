"""Tokens that a Jazz identity signed for itself."""

from __future__ import annotations

from django.conf import settings as django_settings
from django.http import HttpRequest

from ...conf import get_settings
from ...identity import (
    ANONYMOUS_ISSUER,
    LOCAL_FIRST_ISSUER,
    InvalidProof,
    verify_proof,
)
from .base import TokenAuthentication
from .bearer import jwt_of, self_signed_issuer
from .failures import Unauthenticated
from .session import AuthMode, AuthSession

_MODES: dict[str, AuthMode] = {
    LOCAL_FIRST_ISSUER: "local-first",
    ANONYMOUS_ISSUER: "anonymous",
}


class LocalFirstAuthentication(TokenAuthentication):
    """The bearer token of a device that keeps its identity.

    Made out to the setting ``APP_ID``, for an hour at most. On with ``DEBUG``, otherwise only if
    ``JAZZ["ALLOW_LOCAL_FIRST"]`` says so.
    """

    issuer = LOCAL_FIRST_ISSUER

    def session_of(self, request: HttpRequest) -> AuthSession | None:
        """The identity's session; ``None`` for a token of another issuer."""
        token = jwt_of(request)
        if token is None or self_signed_issuer(token) != self.issuer:
            return None
        return self_signed_session(token, self.issuer)


class AnonymousAuthentication(LocalFirstAuthentication):
    """The bearer token of an identity that lasts until its app is started again.

    A Jazz server takes it whatever the local-first switch says. Such a user can read what the
    policies show to everybody; whether it may write is for the views to say
    (:class:`~django_jazzauth.api.permissions.AuthModeIn`).
    """

    issuer = ANONYMOUS_ISSUER


def self_signed_session(token: str, issuer: str) -> AuthSession:
    """The session of a self-signed token.

    Args:
        token: as it came.
        issuer: the one that it names.

    Raises:
        Unauthenticated: local-first tokens are off, or the token proves nothing.
    """
    settings = get_settings()
    allowed = settings.JAZZ.ALLOW_LOCAL_FIRST
    if issuer == LOCAL_FIRST_ISSUER and not (django_settings.DEBUG if allowed is None else allowed):
        raise Unauthenticated("disabled", "Local-first auth is not enabled for this app")
    if settings.APP_ID is None:
        raise Unauthenticated("disabled", "Self-signed tokens need an app id in the settings")
    try:
        proof = verify_proof(token, settings.APP_ID, issuers=(issuer,))
    except InvalidProof as error:
        if error.code == "expired":
            raise Unauthenticated("expired", "JWT has expired") from None
        raise Unauthenticated("invalid", str(error)) from None
    return AuthSession(user_id=str(proof.user_id), auth_mode=_MODES[proof.issuer])
