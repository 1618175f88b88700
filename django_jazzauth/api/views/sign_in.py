"""``POST /sign-in/email``."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from .. import wire
from ..endpoint import Endpoint
from ..errors import ApiError
from ..fields import is_email
from ..serializers import SignInEmailBody
from ..session_state import open_session
from ..signing_in import announce, user_with_password


class SignInEmailView(Endpoint):
    """Sign in with e-mail and password."""

    body_class = SignInEmailBody
    is_login = True

    def post(self, request: Request) -> Response:
        """``{redirect, token, user}``, with ``url`` when a ``callbackURL`` was given."""
        body = self.body
        if not is_email(body["email"]):
            raise ApiError(400, "INVALID_EMAIL")
        user = user_with_password(body["email"], body["password"], self.http)
        if user is None:
            raise ApiError(401, "INVALID_EMAIL_OR_PASSWORD")
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
