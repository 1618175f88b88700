"""A forgotten password: asking for a link, following it, choosing a new one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from django.contrib.auth import get_user_model
from django.http import HttpResponse
from rest_framework.request import Request

from ...conf import get_settings
from ...request_cause import name_actor
from ..answers import REDIRECT, answers
from ..endpoint import Endpoint
from ..errors import ApiError
from ..hashing_limit import THROTTLES
from ..letters import reset_identifier
from ..passwords import REFUSED_NEW_PASSWORD, check_new_password, replace_password
from ..payloads import NoticePayload, ResetTokenQuery, StatusPayload
from ..responses import Response
from ..serializers import RequestPasswordResetBody, ResetPasswordBody, ResetPasswordQuery
from ..session_state import end_sessions
from ..verifications import is_live, use_up, value_of

_MESSAGE = "If this email exists in our system, check your email for the reset link"


class RequestPasswordResetView(Endpoint):
    """Ask for a link."""

    body_class = RequestPasswordResetBody

    @answers(
        NoticePayload, errors={400: ("RESET_PASSWORD_DISABLED", "FAILED_TO_CREATE_VERIFICATION")}
    )
    def post(self, request: Request) -> Response:
        """The same answer for every address."""
        if not get_settings().PASSWORD_RESET.ENABLED:
            raise ApiError(400, "RESET_PASSWORD_DISABLED")
        email = self.body["email"]
        user = get_user_model()._default_manager.with_email(email)
        if user is not None and not user.is_active:
            user = None
        self.letters.reset_password(user, email, redirect_to=self.body.get("redirect_to"))
        return Response({"status": True, "message": _MESSAGE})


class ResetPasswordCallbackView(Endpoint):
    """Follow the link of the mail: on to the page that asks for the new password."""

    query_class = ResetPasswordQuery

    @answers(REDIRECT)
    def get(self, request: Request, token: str) -> HttpResponse:
        """A redirect to ``callbackURL`` with ``?token=``, or with ``?error=INVALID_TOKEN``."""
        target = self.query["callback_url"]
        if target and is_live(reset_identifier(token)):
            return self._redirect(target, {"token": token})
        return self._redirect(target or self.url_of("error"), {"error": "INVALID_TOKEN"})

    def _redirect(self, target: str, query: dict[str, str]) -> HttpResponse:
        url = urljoin(f"{self.api_options.origin}/", target)
        separator = "&" if urlsplit(url).query else "?"
        return self.redirect(f"{url}{separator}{urlencode(query)}")


class ResetPasswordView(Endpoint):
    """Choose a new password."""

    body_class = ResetPasswordBody
    throttle_classes = THROTTLES

    @answers(
        StatusPayload,
        query=ResetTokenQuery,
        errors={400: ("INVALID_TOKEN", *REFUSED_NEW_PASSWORD)},
    )
    def post(self, request: Request) -> Response:
        """``{status: true}``; the token may stand in the query as well."""
        token = self.body.get("token") or request.query_params.get("token")
        if not token:
            raise ApiError(400, "INVALID_TOKEN")
        check_new_password(self.body["new_password"])
        identifier = reset_identifier(token)
        user = _user_with(value_of(identifier))
        name_actor(self.http, user)  # the token was in their mailbox

        def redeem() -> None:
            if use_up(identifier) != str(user.pk):  # another request was faster
                raise ApiError(400, "INVALID_TOKEN")

        # With the password or not at all: a token is not lost where the hash is refused.
        replace_password(user, self.body["new_password"], request=self.http, along=redeem)
        if get_settings().PASSWORD_RESET.REVOKE_SESSIONS:
            end_sessions(user)
        return Response({"status": True})


def _user_with(pk: str | None) -> Any:
    users = get_user_model()._default_manager
    user = users.filter(pk=pk).first() if pk else None
    if user is None or not user.is_active:
        raise ApiError(400, "INVALID_TOKEN")
    return user
