"""``POST /change-email``."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from rest_framework.request import Request

from ...conf import get_settings
from ..answers import answers
from ..email_tokens import VERIFY_CHANGE, EmailToken
from ..endpoint import Endpoint
from ..errors import ApiError
from ..payloads import StatusPayload
from ..responses import Response
from ..serializers import ChangeEmailBody
from ..users import update_user


class ChangeEmailView(Endpoint):
    """Ask for another address.

    A verified old address agrees first, then the new one is verified; an address that was never
    verified has nothing to say, and only the new one is asked.
    """

    body_class = ChangeEmailBody

    @answers(
        StatusPayload,
        session="required",
        errors={
            400: (
                "CHANGE_EMAIL_DISABLED",
                "VERIFICATION_EMAIL_NOT_ENABLED",
                "FAILED_TO_UPDATE_USER",
                None,
            )
        },
    )
    def post(self, request: Request) -> Response:
        """``{status: true}``, also for an address that is somebody else's: then nothing is sent."""
        state = self.require_session()
        user = state.user
        options = get_settings().CHANGE_EMAIL
        if not options.ENABLED:
            raise ApiError(400, "CHANGE_EMAIL_DISABLED")
        new_email = self.body["new_email"].lower()
        if new_email == user.email.lower():
            raise ApiError(400, None, "Email is the same")
        at_once = options.WITHOUT_VERIFICATION and not user.email_verified
        if not at_once and not get_settings().EMAIL_VERIFICATION.ENABLED:
            raise ApiError(400, "VERIFICATION_EMAIL_NOT_ENABLED")
        answer = Response({"status": True})
        if get_user_model()._default_manager.with_email(new_email) is not None:
            return answer
        if at_once:
            update_user(user, {"email": new_email}, self.http)
            state.rewrite(answer, self.jar)
        self._write_to(user, new_email, changed=at_once)
        return answer

    def _write_to(self, user: Any, new_email: str, *, changed: bool) -> None:
        callback_url = self.body.get("callback_url")
        if changed:
            if get_settings().EMAIL_VERIFICATION.ENABLED:
                token = EmailToken(new_email)
                self.letters.verify_email(new_email, token, callback_url=callback_url, user=user)
        elif user.email_verified and get_settings().CHANGE_EMAIL.CONFIRM_AT_OLD_ADDRESS:
            self.letters.confirm_change(user, new_email, callback_url=callback_url)
        else:
            token = EmailToken(user.email, new_email, VERIFY_CHANGE, str(user.pk))
            self.letters.verify_email(new_email, token, callback_url=callback_url, user=user)
