"""The user's own data."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from .. import plugins
from ..answers import answers
from ..endpoint import Endpoint
from ..errors import ApiError
from ..payloads import StatusPayload
from ..responses import Response
from ..serializers import UpdateUserBody
from ..users import update_user

_FIELDS: tuple[str, ...] = ("name", "image")


class UpdateUserView(Endpoint):
    """Change name and picture."""

    body_class = UpdateUserBody

    @answers(
        StatusPayload,
        session="required",
        errors={400: ("EMAIL_CAN_NOT_BE_UPDATED", "FAILED_TO_UPDATE_USER", None)},
    )
    def post(self, request: Request) -> Response:
        """``{status: true}`` and the session cookie, so that its cache shows the change."""
        state = self.require_session()
        if self.body.pop("email", None):
            raise ApiError(400, "EMAIL_CAN_NOT_BE_UPDATED")
        body = self.body
        changes: dict[str, Any] = {name: body[name] for name in _FIELDS if name in body}
        changes |= plugins.installed().user_values(body, state.user)
        if not body:
            raise ApiError(400, None, "No fields to update")
        update_user(state.user, changes, self.http, body=body)
        answer = Response({"status": True})
        state.rewrite(answer, self.jar)
        return answer
