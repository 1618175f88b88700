"""The user's sessions: listing, ending and changing them."""

from __future__ import annotations

from rest_framework.request import Request

from .. import wire
from ..answers import Reply, answers
from ..endpoint import Endpoint
from ..errors import ApiError
from ..payloads import SessionPayload, StatusPayload
from ..responses import Response
from ..serializers import AnyBody, RevokeSessionBody
from ..session_state import end_sessions, sessions_of


class ListSessionsView(Endpoint):
    """Where the user is signed in."""

    @answers(Reply((SessionPayload,), many=True), session="required", operation="listUserSessions")
    def get(self, request: Request) -> Response:
        """Every live session, oldest first; not those of somebody who acts as the user.

        Where sessions are stateless, the present one.
        """
        session = self.require_session(trust_cookie=True).session
        assert session is not None
        return Response([wire.session_payload(each) for each in sessions_of(session)])


class RevokeSessionView(Endpoint):
    """End one session of the user."""

    body_class = RevokeSessionBody

    @answers(StatusPayload, session="required")
    def post(self, request: Request) -> Response:
        """``{status: true}``, also for a token that is nobody's or somebody else's."""
        state = self.require_session()
        end_sessions(state.user, token=self.body["token"])
        if self.body["token"] == state.token:
            state.ended()
        return Response({"status": True})


class RevokeSessionsView(Endpoint):
    """End all sessions of the user, this one too."""

    @answers(StatusPayload, session="required")
    def post(self, request: Request) -> Response:
        """``{status: true}``."""
        state = self.require_session()
        end_sessions(state.user)
        state.ended()
        return Response({"status": True})


class RevokeOtherSessionsView(Endpoint):
    """End all sessions of the user but this one."""

    @answers(StatusPayload, session="required")
    def post(self, request: Request) -> Response:
        """``{status: true}``."""
        state = self.require_session()
        end_sessions(state.user, but=state.session)
        return Response({"status": True})


class UpdateSessionView(Endpoint):
    """Change fields of the session that are the client's to set: the core has none."""

    body_class = AnyBody

    @answers(session="required", errors={400: (None,)})
    def post(self, request: Request) -> Response:
        """400, after 401 when nobody is signed in."""
        self.require_session()
        raise ApiError(400, None, "No fields to update")
