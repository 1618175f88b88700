"""``/one-time-token/generate`` and ``/one-time-token/verify``.

The token is 32 characters from ``secrets``. What is stored is its SHA-256, sealed, and the session
token, sealed as well.
"""

from __future__ import annotations

import hashlib
import secrets

from django.http import HttpResponse
from rest_framework.request import Request

from ...api import wire
from ...api.answers import answers
from ...api.endpoint import Endpoint
from ...api.errors import ApiError
from ...api.fields import StringField
from ...api.payloads import SessionAndUserPayload, TokenPayload
from ...api.responses import Response
from ...api.serializers import Body
from ...api.session_state import find_session
from ...api.verifications import issue, use_up
from ...conf import get_settings

_BYTES = 24  # 32 characters of base64url


class VerifyOneTimeTokenBody(Body):
    """``POST /one-time-token/verify``."""

    token = StringField()


def _identifier(token: str) -> str:
    digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
    return f"one-time-token:{digest}"


class GenerateOneTimeTokenView(Endpoint):
    """Make a token for the session of the request."""

    @answers(TokenPayload, session="required", errors={400: ("FAILED_TO_CREATE_VERIFICATION",)})
    def get(self, request: Request) -> Response:
        """``{token}``."""
        state = self.require_session()
        if state.token is None:
            # Opened by a key, not by a sign-in: there is no stored session to hand on.
            raise ApiError(401, "UNAUTHORIZED")
        token = secrets.token_urlsafe(_BYTES)
        seconds = get_settings().ONE_TIME_TOKEN.EXPIRES_IN
        issue(_identifier(token), state.token, seconds=seconds, request=self.http, user=state.user)
        return Response({"token": token})


class VerifyOneTimeTokenView(Endpoint):
    """Take over the session that a token was made for."""

    body_class = VerifyOneTimeTokenBody
    # It sets the session cookie: another site must not sign its visitors in to its own account.
    is_login = True

    @answers(SessionAndUserPayload, opens_session=True, errors={400: (None,)})
    def post(self, request: Request) -> HttpResponse:
        """``{session, user}`` and the session cookie, for the first who asks."""
        session_token = use_up(_identifier(self.body["token"]))
        if session_token is None:
            raise ApiError(400, None, "Invalid token")
        session = find_session(session_token)
        if session is None:
            raise ApiError(400, None, "Session not found")
        answer = Response(
            {
                "session": wire.session_payload(session),
                "user": wire.user_payload(session.user),
            }
        )
        self.jar.write_session(answer, session, remember=True)
        return answer
