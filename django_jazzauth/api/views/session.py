"""``/get-session`` and ``/sign-out``."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from .. import wire
from ..endpoint import Endpoint
from ..errors import ApiError
from ..issuing import token_for
from ..serializers import SignOutBody
from ..session_state import close_session, presented_token

_UNCACHED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class GetSessionView(Endpoint):
    """Who is signed in."""

    def get(self, request: Request) -> Response:
        """``{session, user}``, or ``null``; a JWT for the same user comes in a header."""
        # As in JavaScript, any value but the empty one counts as true.
        renew = not request.query_params.get("disableRefresh")
        state = self.session_state(renew=renew)
        if state.session is None:
            return Response(None)
        answer = Response(
            {
                "session": wire.session_payload(state.session),
                "user": wire.user_payload(state.user),
            }
        )
        answer["Set-Auth-Jwt"] = token_for(state.session, self.api_options)
        answer["Access-Control-Expose-Headers"] = "set-auth-jwt"
        return answer

    def post(self, request: Request) -> Response:
        """405: Better Auth knows this form for a setting that we do not have."""
        raise ApiError(405, "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED")

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        """Nobody may keep the answer."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        for name, value in _UNCACHED.items():
            answer[name] = value
        return answer


class SignOutView(Endpoint):
    """End the session."""

    body_class = SignOutBody

    def post(self, request: Request) -> Response:
        """``{success: true}``, whether there was a session or not."""
        token = presented_token(self.http, self.api_options)
        if token is not None:
            close_session(token)
        answer = Response({"success": True})
        self.jar.remove_session(answer)
        return answer
