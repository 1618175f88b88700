"""``/get-session`` and ``/sign-out``."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from ...revocation import is_revoked
from .. import wire
from ..answers import Reply, answers
from ..cookies import expose
from ..endpoint import Endpoint
from ..errors import ApiError
from ..issuing import token_for, token_for_payload
from ..jazz_session import cookie_session
from ..payloads import (
    CookieSessionPayload,
    GetSessionQuery,
    SessionAndUserPayload,
    SuccessPayload,
)
from ..serializers import SignOutBody
from ..session_state import close_session, presented_token

_UNCACHED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class GetSessionView(Endpoint):
    """Who is signed in."""

    @answers(
        Reply((SessionAndUserPayload, CookieSessionPayload), nullable=True),
        session="optional",
        sends_token=True,
        query=GetSessionQuery,
    )
    def get(self, request: Request) -> Response:
        """``{session, user}``, or ``null``; a JWT for the same user comes in a header.

        With ``?format=cookieSession``: ``{user_id, claims, authMode}``, for a Jazz client.
        """
        if request.query_params.get("format") == "cookieSession":
            signed_in = self.session_state().session
            return Response(signed_in and cookie_session(signed_in, self.api_options))
        # As in JavaScript, any value but the empty one counts as true.
        if not request.query_params.get("disableCookieCache"):
            cached = self._cached()
            if cached is not None:
                return cached
        state = self.session_state(renew=not request.query_params.get("disableRefresh"))
        if state.session is None:
            return Response(None)
        answer = Response(
            {
                "session": wire.session_payload(state.session),
                "user": wire.user_payload(state.user),
            }
        )
        if not state.renewed:
            self.jar.write_cache(answer, state.session, remember=state.remembered)
        answer["Set-Auth-Jwt"] = token_for(state.session, self.api_options)
        expose(answer, "set-auth-jwt")
        return answer

    def _cached(self) -> Response | None:
        """The answer out of the cache cookie, ``None`` where that does not vouch for it."""
        content = self.jar.read_cache(self.http)
        if content is None:
            return None
        session, user = content["session"], content["user"]
        token = presented_token(self.http, self.api_options)
        if token is None or session.get("token") != token or not user.get("id"):
            return None
        if str(session.get("expiresAt")) <= wire.iso(timezone.now()):
            return None
        if is_revoked(token, user["id"]):
            return None
        answer = Response({"session": session, "user": user})
        jwt = token_for_payload(user, self.api_options)
        if jwt is not None:
            answer["Set-Auth-Jwt"] = jwt
            expose(answer, "set-auth-jwt")
        return answer

    @answers(errors={405: ("METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED",)})
    def post(self, request: Request) -> Response:
        """405: Better Auth knows this form for a setting that we do not have."""
        raise ApiError(405, "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED")

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        """Nobody may keep the answer."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        if answer.status_code != 429:
            for name, value in _UNCACHED.items():
                answer[name] = value
        return answer


class SignOutView(Endpoint):
    """End the session."""

    body_class = SignOutBody

    @answers(SuccessPayload)
    def post(self, request: Request) -> Response:
        """``{success: true}``, whether there was a session or not."""
        token = presented_token(self.http, self.api_options)
        if token is not None:
            close_session(token)
        answer = Response({"success": True})
        self.jar.remove_session(answer)
        return answer
