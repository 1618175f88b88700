"""Tokens that this server gave out at ``/token``."""

from __future__ import annotations

from typing import Any

import jwt
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from rest_framework.request import Request

from ...conf import get_settings
from ...tokens.external import session_claims
from ...tokens.keys import all_keys
from ...tokens.signing import InvalidToken, TokenExpired, verify
from ..options import options_for
from .base import TokenAuthentication
from .bearer import jwt_of
from .failures import Unauthenticated
from .session import AuthSession


class JWTAuthentication(TokenAuthentication):
    """A bearer JWT signed with a key of ours; ``request.user`` is the row of the user table.

    The token is good until it ends, also after its session was ended: keep ``JWT["LIFETIME"]``
    short. A user who was deactivated or deleted is refused at once.
    """

    def authenticate(self, request: Request) -> tuple[Any, AuthSession] | None:
        """User and session; ``None`` without a JWT, and for one that names no key of ours."""
        token = jwt_of(request._request)
        if token is None or not _is_ours(token):
            return None
        options, origin = get_settings().JWT, options_for(request._request).origin
        try:
            payload = verify(
                token, audience=options.AUDIENCE or origin, issuer=options.ISSUER or origin
            )
        except TokenExpired:
            raise Unauthenticated("expired", "JWT has expired") from None
        except InvalidToken as error:
            raise Unauthenticated("invalid", str(error)) from None
        user = _active_user(str(payload["sub"]))
        if user is None:
            raise Unauthenticated("invalid", "The user of this token is gone or inactive")
        claims = session_claims(payload.get("claims"), str(user.pk), str(payload["iss"]))
        return user, AuthSession(user_id=str(user.pk), claims=claims)


def _is_ours(token: str) -> bool:
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except (jwt.PyJWTError, ValueError, RecursionError):
        return False
    return kid is not None and any(key.kid == kid for key in all_keys())


def _active_user(user_id: str) -> Any:
    model = get_user_model()
    try:
        user = model._default_manager.get(pk=user_id)
    except (model.DoesNotExist, ValidationError, ValueError):
        return None
    return user if user.is_active else None
