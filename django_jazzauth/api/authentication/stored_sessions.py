"""The sessions that signing in opens: by cookie, or as bearer tokens."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from ...models import Session
from ..cookies import SESSION_COOKIE, CookieJar
from ..options import options_for
from ..origin import check_origin
from ..session_state import find_session, strategy
from .bearer import session_token_of
from .session import AuthSession


class SessionCookieAuthentication(BaseAuthentication):
    """The session cookie of the API; state-changing requests must come from a trusted origin."""

    def authenticate(self, request: Request) -> tuple[Any, AuthSession] | None:
        """User and session, or ``None`` without a live session cookie."""
        options = options_for(request._request)
        token = CookieJar(options).read(request._request, SESSION_COOKIE)
        session = None
        if token is not None:
            session = strategy().find(request._request, token, options).session
        found = _signed_in(session)
        if found is not None:
            check_origin(request._request, options.trusted_origins)
        return found

    def authenticate_header(self, request: Request) -> str:
        """So that a refusal is 401, not 403."""
        return "Session"


class BearerSessionAuthentication(BaseAuthentication):
    """``Authorization: Bearer <session token>``, signed or not.

    A token that is no session of ours is left to the classes that come after this one; so is every
    one where sessions are stateless.
    """

    def authenticate(self, request: Request) -> tuple[Any, AuthSession] | None:
        """User and session, or ``None`` without a live bearer token."""
        token = session_token_of(request._request, options_for(request._request))
        return _signed_in(None if token is None else find_session(token))

    def authenticate_header(self, request: Request) -> str:
        """So that a refusal is 401, not 403."""
        return "Bearer"


def _signed_in(session: Session | None) -> tuple[Any, AuthSession] | None:
    if session is None:
        return None
    return session.user, AuthSession(user_id=str(session.user_id), session=session)
