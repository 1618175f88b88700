"""``/get-session`` and ``/sign-out``."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from ...models import Session
from .. import plugins
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
from ..responses import Response, ready_headers
from ..serializers import SignOutBody
from ..session_state import cached_content, close_session, presented
from ..social import account_cookie

_UNCACHED = ready_headers({"Cache-Control": "no-store", "Pragma": "no-cache"})


class GetSessionView(Endpoint):
    """Who is signed in.

    Attributes:
        shown: the session that the answer shows, with its user read; ``None`` where it shows none,
            or one out of the cache cookie.
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
        if self.parameters.get("format") == "cookieSession":
            signed_in = self.session_state().session
            return Response(signed_in and cookie_session(signed_in, self.api_options))
        # As in JavaScript, any value but the empty one counts as true.
        believe = not self.parameters.get("disableCookieCache")
        cached = cached_content(self.http, self.api_options) if believe else None
        if cached is not None:
            return Response({"session": cached["session"], "user": cached["user"]})
        renew = not self.parameters.get("disableRefresh")
        state = self.session_state(renew=renew, trust_cookie=believe)
        answer = Response(state.payload)
        if state.session is None or state.shown is not None:
            return answer
        cached_in_cookie = self.api_options.cookie_cache.ENABLED
        if cached_in_cookie and not state.renewed and state.token is not None:
            self.jar.write_cache(answer, state.session, remember=state.remembered)
        self.shown = state.session
        return answer

    @answers(errors={405: ("METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED",)})
    def post(self, request: Request) -> Response:
        """405: Better Auth knows this form for a setting that we do not have."""
        raise ApiError(405, "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Nobody may keep the answer."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        if answer.status_code != 429:
            answer.put_headers(_UNCACHED)
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
