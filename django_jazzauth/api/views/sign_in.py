"""``POST /sign-in/email``."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.encoding import iri_to_uri
from rest_framework.request import Request

from ...conf import get_settings
from ...models import Session
from .. import wire
from ..answers import Reply, answers
from ..email_tokens import EmailToken
from ..endpoint import Endpoint
from ..errors import ApiError
from ..fields import is_email
from ..hashing_limit import THROTTLES
from ..payloads import SignedInPayload
from ..responses import Response
from ..serializers import SignInEmailBody
from ..signing_in import user_with_password
from ..users import must_verify


class PasswordSignInEndpoint(Endpoint):
    """What follows once name and password are known to be right, whatever the name is."""

    is_login = True
    throttle_classes = THROTTLES

    def admit(self, user: Any, *, method: str) -> HttpResponse:
        """``{redirect, token, user}``, with ``url`` when a ``callbackURL`` was given.

        Raises:
            ApiError: 403, the address must be verified first; or a plugin or a hook refuses.
        """
        if must_verify(user):
            self._remind(user)
            raise ApiError(403, "EMAIL_NOT_VERIFIED")
        remember = self.body.get("remember_me") is not False
        return self.sign_in(user, self._answer, method=method, factor="password", remember=remember)

    def _answer(self, session: Session) -> HttpResponse:
        url = self.body.get("callback_url")
        answer = Response(
            {"redirect": bool(url), "token": session.token}
            | ({"url": url} if url else {})
            | {"user": wire.user_payload(session.user)}
        )
        if url:
            answer["Location"] = iri_to_uri(url)
        return answer

    def _remind(self, user: Any) -> None:
        options = get_settings().EMAIL_VERIFICATION
        if options.ENABLED and options.SEND_ON_SIGN_IN:
            callback_url = self.body.get("callback_url")
            token = EmailToken(user.email)
            self.letters.verify_email(user.email, token, callback_url=callback_url, user=user)


class SignInEmailView(PasswordSignInEndpoint):
    """Sign in with e-mail and password."""

    body_class = SignInEmailBody

    @answers(
        Reply((SignedInPayload,), location=True),
        opens_session=True,
        errors={
            400: ("INVALID_EMAIL",),
            401: ("INVALID_EMAIL_OR_PASSWORD",),
            403: ("EMAIL_NOT_VERIFIED",),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """``{redirect, token, user}``, with ``url`` when a ``callbackURL`` was given."""
        body = self.body
        if not is_email(body["email"]):
            raise ApiError(400, "INVALID_EMAIL")
        user = user_with_password(body["email"], body["password"], self.http)
        if user is None:
            raise ApiError(401, "INVALID_EMAIL_OR_PASSWORD")
        return self.admit(user, method="email")
