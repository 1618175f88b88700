"""``POST /sign-in/email``."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from ...conf import get_settings
from .. import wire
from ..answers import Reply, answers
from ..email_tokens import EmailToken
from ..endpoint import Endpoint
from ..errors import ApiError
from ..fields import is_email
from ..payloads import SignedInPayload
from ..serializers import SignInEmailBody
from ..session_state import open_session
from ..signing_in import announce, user_with_password
from ..users import must_verify


class SignInEmailView(Endpoint):
    """Sign in with e-mail and password."""

    body_class = SignInEmailBody
    is_login = True

    @answers(
        Reply((SignedInPayload,), location=True),
        opens_session=True,
        errors={
            400: ("INVALID_EMAIL",),
            401: ("INVALID_EMAIL_OR_PASSWORD",),
            403: ("EMAIL_NOT_VERIFIED",),
        },
    )
    def post(self, request: Request) -> Response:
        """``{redirect, token, user}``, with ``url`` when a ``callbackURL`` was given."""
        body = self.body
        if not is_email(body["email"]):
            raise ApiError(400, "INVALID_EMAIL")
        user = user_with_password(body["email"], body["password"], self.http)
        if user is None:
            raise ApiError(401, "INVALID_EMAIL_OR_PASSWORD")
        if must_verify(user):
            self._remind(user)
            raise ApiError(403, "EMAIL_NOT_VERIFIED")
        remember = body.get("remember_me") is not False
        session = open_session(user, self.http, self.api_options, remember=remember)
        announce(user, self.http)
        url = body.get("callback_url")
        answer = Response(
            {"redirect": bool(url), "token": session.token}
            | ({"url": url} if url else {})
            | {"user": wire.user_payload(user)}
        )
        if url:
            answer["Location"] = url
        self.jar.write_session(answer, session, remember=remember)
        return answer

    def _remind(self, user: Any) -> None:
        options = get_settings().EMAIL_VERIFICATION
        if options.ENABLED and options.SEND_ON_SIGN_IN:
            callback_url = self.body.get("callback_url")
            token = EmailToken(user.email)
            self.letters.verify_email(user.email, token, callback_url=callback_url, user=user)
