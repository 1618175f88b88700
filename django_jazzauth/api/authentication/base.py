"""What the classes for tokens have in common."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from .session import AuthSession, ExternalUser, LocalFirstUser


class TokenAuthentication(BaseAuthentication):
    """Base: a subclass says what session a request's credentials make."""

    def authenticate(self, request: Request) -> tuple[Any, AuthSession] | None:
        """User and session; ``None`` without credentials of this kind."""
        session = self.session_of(request._request)
        return None if session is None else (self.user_of(session), session)

    def authenticate_header(self, request: Request) -> str:
        """So that a refusal is 401, not 403."""
        return "Bearer"

    def session_of(self, request: HttpRequest) -> AuthSession | None:
        """The session of a request, ``None`` when there is none.

        Raises:
            Unauthenticated: the credentials are of this kind, and wrong.
        """
        raise TypeError(f"{type(self).__name__} does not say what its credentials are")

    def user_of(self, session: AuthSession) -> Any:
        """What ``request.user`` is. A project may look up a row of its own here."""
        if session.auth_mode == "external":
            return ExternalUser(session.user_id)
        return LocalFirstUser(_uuid_or_text(session.user_id), session.auth_mode)


def _uuid_or_text(user_id: str) -> uuid.UUID | str:
    try:
        return uuid.UUID(user_id)
    except ValueError:
        return user_id
