"""Changing and checking the password of a signed-in user."""

from __future__ import annotations

from rest_framework.request import Request

from .. import wire
from ..answers import answers
from ..endpoint import Endpoint
from ..hashing_limit import THROTTLES
from ..passwords import (
    REFUSED_NEW_PASSWORD,
    REFUSED_PASSWORD,
    check_new_password,
    replace_password,
    require_password,
)
from ..payloads import SignedUpPayload, StatusPayload
from ..responses import Response
from ..serializers import ChangePasswordBody, VerifyPasswordBody
from ..session_state import end_sessions, open_session


class ChangePasswordView(Endpoint):
    """Replace the password, given the present one."""

    body_class = ChangePasswordBody
    throttle_classes = THROTTLES

    @answers(
        SignedUpPayload,
        session="required",
        opens_session=True,
        errors={400: (*REFUSED_PASSWORD, *REFUSED_NEW_PASSWORD)},
    )
    def post(self, request: Request) -> Response:
        """``{token, user}``.

        With ``revokeOtherSessions`` every session ends and a new one takes their place, whose
        token the answer carries; otherwise ``token`` is null.
        """
        state = self.require_session()
        user = state.user
        check_new_password(self.body["new_password"])
        require_password(user, self.body["current_password"])
        replace_password(user, self.body["new_password"], request=self.http)
        if not self.body.get("revoke_other_sessions"):
            return Response({"token": None, "user": wire.user_payload(user)})
        end_sessions(user)
        session = open_session(user, self.http, self.api_options, remember=state.remembered)
        answer = Response({"token": session.token, "user": wire.user_payload(user)})
        state.session, state.renewed = session, False
        self.jar.write_session(answer, session, remember=state.remembered)
        return answer


class VerifyPasswordView(Endpoint):
    """Say whether a password is the user's."""

    body_class = VerifyPasswordBody
    throttle_classes = THROTTLES

    @answers(StatusPayload, session="required", errors={400: REFUSED_PASSWORD})
    def post(self, request: Request) -> Response:
        """``{status: true}``, or 400."""
        require_password(self.require_session().user, self.body["password"])
        return Response({"status": True})
