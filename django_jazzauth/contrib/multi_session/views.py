"""``/multi-session/…``: the accounts of this browser."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from ...api import wire
from ...api.answers import Reply, answers
from ...api.endpoint import Endpoint
from ...api.errors import ApiError
from ...api.fields import StringField
from ...api.payloads import SessionAndUserPayload, StatusPayload
from ...api.responses import Response
from ...api.serializers import Body
from ...api.session_state import close_session, find_session
from ...models import Session
from .device import Device


class DeviceSessionBody(Body):
    """``POST /multi-session/set-active`` and ``POST /multi-session/revoke``."""

    session_token = StringField()


def _shown(session: Session) -> dict[str, object]:
    return {
        "session": wire.session_payload(session),
        "user": wire.user_payload(session.user),
    }


class _DeviceEndpoint(Endpoint):
    @property
    def device(self) -> Device:
        """The browser that asks."""
        return Device(self.jar)

    def own_token(self) -> str:
        """The token that the body names, if this browser has its cookie.

        Raises:
            ApiError: 401, it has not.
        """
        token = self.device.token_of(self.body["session_token"])
        if token is None or token != self.body["session_token"]:
            raise ApiError(401, "INVALID_SESSION_TOKEN")
        return token


class ListDeviceSessionsView(_DeviceEndpoint):
    """The accounts that are signed in in this browser."""

    @answers(Reply((SessionAndUserPayload,), many=True))
    def get(self, request: Request) -> Response:
        """``[{session, user}]``, one for each user."""
        return Response([_shown(session) for session in self.device.sessions()])


class SetActiveView(_DeviceEndpoint):
    """Switch to another account of this browser."""

    body_class = DeviceSessionBody

    @answers(
        SessionAndUserPayload,
        session="required",
        operation="setActiveSession",
        errors={401: ("INVALID_SESSION_TOKEN",)},
    )
    def post(self, request: Request) -> HttpResponse:
        """``{session, user}`` and the cookie; 401 for a session that is not this browser's."""
        state = self.require_session()
        token = self.own_token()
        session = find_session(token)
        if session is None:
            refused = ApiError(401, "INVALID_SESSION_TOKEN")
            answer = Response(refused.body, status=refused.status_code)
            self.device.forget(answer, token)
            return answer
        self.forget_state()
        answer = Response(_shown(session))
        self.jar.write_session(answer, session, remember=state.remembered)
        return answer


class RevokeView(_DeviceEndpoint):
    """Sign one account of this browser out."""

    body_class = DeviceSessionBody

    @answers(
        StatusPayload,
        session="required",
        operation="revokeDeviceSession",
        errors={401: ("INVALID_SESSION_TOKEN",)},
    )
    def post(self, request: Request) -> HttpResponse:
        """``{status: true}``; where it was the active one, the next takes its place."""
        state = self.require_session()
        token = self.own_token()
        close_session(token)
        answer = Response({"status": True})
        self.device.forget(answer, token)
        if state.token != token:
            return answer
        self.forget_state()
        others = self.device.sessions()
        if others:
            self.jar.write_session(answer, others[0], remember=state.remembered)
        else:
            self.jar.remove_session(answer)
        return answer
