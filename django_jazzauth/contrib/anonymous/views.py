"""``/sign-in/anonymous`` and ``/delete-anonymous-user``."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError
from django.http import HttpResponse
from rest_framework.request import Request

from ...api import wire
from ...api.answers import answers
from ...api.endpoint import Endpoint
from ...api.errors import ApiError
from ...api.payloads import SignedUpPayload, SuccessPayload
from ...api.responses import Response
from ...api.users import create_without_password
from ...api.verifications import DIGITS_AND_LOWER_CASE, random_token
from ...conf import get_settings

_LOCAL_PART_LENGTH = 32
_NAME = "Anonymous"


class SignInAnonymousView(Endpoint):
    """Open an account for a guest."""

    is_login = True

    @answers(
        SignedUpPayload,
        session="optional",
        opens_session=True,
        errors={
            400: (
                "ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY",
                "FAILED_TO_CREATE_USER",
            ),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """``{token, user}`` and the session cookie; 400 for somebody who is a guest already."""
        present = self.session_state().user
        if present is not None and present.is_guest:
            raise ApiError(400, "ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY")
        local_part = random_token(_LOCAL_PART_LENGTH, DIGITS_AND_LOWER_CASE)
        domain = get_settings().ANONYMOUS.EMAIL_DOMAIN
        made_up = {"email": f"{local_part}@{domain}", "name": _NAME, "is_guest": True}
        try:
            guest = create_without_password(made_up, self.http)
        except IntegrityError:
            raise ApiError(400, "FAILED_TO_CREATE_USER") from None
        return self.sign_in(
            guest,
            lambda session: Response({"token": session.token, "user": wire.user_payload(guest)}),
            method="anonymous",
            factor="guest",
        )


class DeleteAnonymousUserView(Endpoint):
    """Delete the account of a guest."""

    @answers(
        SuccessPayload,
        session="required",
        errors={400: ("DELETE_ANONYMOUS_USER_DISABLED",), 403: ("USER_IS_NOT_ANONYMOUS",)},
    )
    def post(self, request: Request) -> HttpResponse:
        """``{success: true}``; 403 for somebody who is none."""
        guest: Any = self.require_session().user
        if not get_settings().ANONYMOUS.ALLOW_DELETE:
            raise ApiError(400, "DELETE_ANONYMOUS_USER_DISABLED")
        if not guest.is_guest:
            raise ApiError(403, "USER_IS_NOT_ANONYMOUS")
        guest.delete()
        self.forget_state()
        answer = Response({"success": True})
        self.jar.remove_session(answer)
        return answer
