"""Proving that an address is one's own: ``/send-verification-email`` and ``/verify-email``."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpResponse
from rest_framework.request import Request

from ...conf import get_settings
from ...request_cause import name_actor
from .. import email_tokens, wire
from ..answers import REDIRECT, answers
from ..email_tokens import EmailToken
from ..endpoint import Endpoint
from ..errors import ApiError
from ..payloads import StatusPayload, VerifiedPayload
from ..responses import Response
from ..serializers import MailedLinkQuery, SendVerificationEmailBody
from ..users import update_user


class SendVerificationEmailView(Endpoint):
    """Send the link again."""

    body_class = SendVerificationEmailBody

    @answers(
        StatusPayload,
        session="optional",
        errors={
            400: ("VERIFICATION_EMAIL_NOT_ENABLED", "EMAIL_MISMATCH", "EMAIL_ALREADY_VERIFIED"),
        },
    )
    def post(self, request: Request) -> Response:
        """``{status: true}``, to those who are not signed in for every address."""
        if not get_settings().EMAIL_VERIFICATION.ENABLED:
            raise ApiError(400, "VERIFICATION_EMAIL_NOT_ENABLED")
        email = self.body["email"].lower()
        user = self.session_state().user
        if user is not None:
            if user.email.lower() != email:
                raise ApiError(400, "EMAIL_MISMATCH")
            if user.email_verified:
                raise ApiError(400, "EMAIL_ALREADY_VERIFIED")
        else:
            user = get_user_model()._default_manager.with_email(email)
        if user is not None and (user.email_verified or not user.is_active):
            user = None
        to = email if user is None else user.email
        self.letters.verify_email(
            to, EmailToken(to), callback_url=self.body.get("callback_url"), user=user
        )
        return Response({"status": True})


class VerifyEmailView(Endpoint):
    """Follow the link of a mail."""

    query_class = MailedLinkQuery

    @answers(
        VerifiedPayload,
        REDIRECT,
        session="optional",
        opens_session=True,
        errors={
            400: ("FAILED_TO_UPDATE_USER",),
            401: ("TOKEN_EXPIRED", "INVALID_TOKEN", "USER_NOT_FOUND", "INVALID_USER"),
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """``{status, user}``, or a redirect to ``callbackURL``, with ``?error=`` where it fails."""
        try:
            return self._verify()
        except ApiError as error:
            url = self.query.get("callback_url")
            if not url:
                raise
            separator = "&" if "?" in url else "?"
            return self.redirect(f"{url}{separator}error={error.code}")

    def _verify(self) -> HttpResponse:
        token = email_tokens.read(self.query["token"], secret=self.api_options.secret)
        user = get_user_model()._default_manager.with_email(token.email)
        if user is None or not user.is_active:
            raise ApiError(401, "USER_NOT_FOUND")
        name_actor(self.http, user)  # the token was in their mailbox
        if token.update_to is not None:
            return self._change(user, token, token.update_to)
        if user.email_verified:
            return self._done(None)
        update_user(user, {"email_verified": True}, self.http)
        answer = self._done(None)
        if get_settings().EMAIL_VERIFICATION.SIGN_IN_AFTER:
            return self._signed_in(answer, user)
        return answer

    def _change(self, user: Any, token: EmailToken, new_email: str) -> HttpResponse:
        if token.user_id != str(user.pk):
            raise ApiError(401, "INVALID_TOKEN")
        current = self.session_state().user
        if current is not None and current.pk != user.pk:
            raise ApiError(401, "INVALID_USER")
        if token.request_type == email_tokens.CONFIRM_CHANGE:
            self.letters.verify_email(
                new_email,
                EmailToken(user.email, new_email, email_tokens.VERIFY_CHANGE, str(user.pk)),
                callback_url=self.query.get("callback_url"),
                user=user,
            )
            return self._done_without_user()
        if token.request_type != email_tokens.VERIFY_CHANGE:
            raise ApiError(401, "INVALID_TOKEN")
        update_user(user, {"email": new_email.lower(), "email_verified": True}, self.http)
        return self._signed_in(self._done(user), user)

    def _signed_in(self, answer: HttpResponse, user: Any) -> HttpResponse:
        """The session that the browser has, with its cookie renewed, or else a new one."""
        state = self.session_state()
        session = state.session
        if session is None or session.user_id != user.pk:
            return self.sign_in(
                user, lambda _opened: answer, method="verify-email", factor="mailbox"
            )
        session.user = user
        state.rewrite(answer, self.jar)
        return answer

    def _done(self, user: Any) -> HttpResponse:
        url = self.query.get("callback_url")
        if url:
            return self.redirect(url)
        payload = None if user is None else wire.user_payload(user)
        return Response({"status": True, "user": payload})

    def _done_without_user(self) -> HttpResponse:
        url = self.query.get("callback_url")
        return self.redirect(url) if url else Response({"status": True})
