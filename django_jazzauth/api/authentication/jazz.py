"""All credentials of Jazz, in the order and with the refusals of a Jazz server."""

from __future__ import annotations

from django.http import HttpRequest

from .backend import impersonated_session
from .base import TokenAuthentication
from .bearer import self_signed_issuer, token_of
from .external import configured_keys, external_session, verified_by
from .self_signed import self_signed_session
from .session import AuthSession


class JazzAuthentication(TokenAuthentication):
    """A backend's impersonation, else a bearer token, else the token cookie.

    What the token says of its issuer, before it is verified, decides how it is judged: a token
    that names a Jazz issuer must be self-signed, every other one must be of the external issuer.
    """

    def session_of(self, request: HttpRequest) -> AuthSession | None:
        """The session; ``None`` for a request without credentials."""
        named = impersonated_session(request)
        if named is not None:
            return named
        token = token_of(request)
        if token is None:
            return None
        issuer = self_signed_issuer(token)
        if issuer is not None:
            return self_signed_session(token, issuer)
        return external_session(verified_by(token, configured_keys()))
