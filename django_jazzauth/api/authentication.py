"""DRF authentication classes, for a project's own views.

Each may be used alone in ``REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"]``. ``request.auth`` is
an :class:`AuthSession`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from ..models import Session
from .cookies import SESSION_COOKIE, CookieJar
from .options import options_for
from .origin import check_origin
from .session_state import bearer_token, find_session

AuthMode = Literal["external", "local-first", "anonymous"]


@dataclass(frozen=True, slots=True)
class AuthSession:
    """How a request was authenticated.

    Args:
        user_id: the id that ``sub`` would have.
        auth_mode: ``external`` for everybody with an account.
        session: the stored session, ``None`` where there is none.
    """

    user_id: str
    auth_mode: AuthMode = "external"
    claims: dict[str, Any] = field(default_factory=dict)
    session: Session | None = None


class SessionCookieAuthentication(BaseAuthentication):
    """The session cookie of the API; state-changing requests must come from a trusted origin."""

    def authenticate(self, request: Request) -> tuple[Any, AuthSession] | None:
        """User and session, or ``None`` without a live session cookie."""
        options = options_for(request._request)
        token = CookieJar(options).read(request._request, SESSION_COOKIE)
        found = _signed_in(token)
        if found is not None:
            check_origin(request._request, options.trusted_origins)
        return found

    def authenticate_header(self, request: Request) -> str:
        """So that a refusal is 401, not 403."""
        return "Session"


class BearerSessionAuthentication(BaseAuthentication):
    """``Authorization: Bearer <session token>``, signed or not.

    A token that is no session of ours is left to the classes that come after this one.
    """

    def authenticate(self, request: Request) -> tuple[Any, AuthSession] | None:
        """User and session, or ``None`` without a live bearer token."""
        return _signed_in(bearer_token(request._request, options_for(request._request)))

    def authenticate_header(self, request: Request) -> str:
        """So that a refusal is 401, not 403."""
        return "Bearer"


def _signed_in(token: str | None) -> tuple[Any, AuthSession] | None:
    session = None if token is None else find_session(token)
    if session is None:
        return None
    return session.user, AuthSession(user_id=str(session.user_id), session=session)
