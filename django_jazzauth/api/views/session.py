"""``/get-session`` and ``/sign-out``."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from ...models import Session
from ...revocation import is_revoked
from .. import plugins, wire
from ..answers import Reply, answers
from ..endpoint import Endpoint
from ..errors import ApiError
from ..jazz_session import cookie_session
from ..payloads import (
    CookieSessionPayload,
    GetSessionQuery,
    SessionAndUserPayload,
    SuccessPayload,
)
from ..serializers import SignOutBody
from ..session_state import close_session, presented
from ..social import account_cookie

_UNCACHED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class GetSessionView(Endpoint):
    """Who is signed in.

    Attributes:
        shown: the stored session that the answer shows; ``None`` where it shows none, or one out of
            the cache cookie.
    """

    shown: Session | None = None

    @answers(
        Reply((SessionAndUserPayload, CookieSessionPayload), nullable=True),
        session="optional",
        query=GetSessionQuery,
    )
    def get(self, request: Request) -> Response:
        """``{session, user}``, or ``null``.

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
        if not state.renewed and state.token is not None:
            self.jar.write_cache(answer, state.session, remember=state.remembered)
        self.shown = state.session
        return answer

    def _cached(self) -> Response | None:
        """The answer out of the cache cookie, ``None`` where that does not vouch for it."""
        content = self.jar.read_cache(self.http)
        if content is None:
            return None
        session, user = content["session"], content["user"]
        token = presented(self.http, self.api_options).token
        if token is None or session.get("token") != token or not user.get("id"):
            return None
        if str(session.get("expiresAt")) <= wire.iso(timezone.now()):
            return None
        if is_revoked(token, user["id"]):
            return None
        return Response({"session": session, "user": user})

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
        token = presented(self.http, self.api_options).token
        if token is not None:
            close_session(token)
        answer = Response({"success": True})
        self.jar.remove_session(answer)
        account_cookie.remove(answer, self.jar)
        for add in plugins.installed().after_sign_out:
            add(answer, self.jar)
        return answer
