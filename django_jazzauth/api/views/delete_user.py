"""Deleting one's own account: ``/delete-user`` and the link that confirms it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from ...conf import get_settings
from ..answers import NOTHING_HERE, REDIRECT, answers
from ..endpoint import Endpoint, nothing_here
from ..errors import ApiError
from ..letters import delete_identifier
from ..passwords import REFUSED_PASSWORD, require_password
from ..payloads import DeletionPayload
from ..responses import Response
from ..serializers import DeleteUserBody, MailedLinkQuery
from ..verifications import use_up

_DELETED = {"success": True, "message": "User deleted"}


class _DeletingEndpoint(Endpoint):
    def _delete(self, user: Any, answer: HttpResponse) -> HttpResponse:
        """Delete the user with everything that is theirs; every session is dead by that."""
        user.delete()
        self.forget_state()
        self.jar.remove_session(answer)
        return answer

    def _redeem(self, user: Any, token: str) -> None:
        if use_up(delete_identifier(user, token)) != str(user.pk):
            raise ApiError(404, "INVALID_TOKEN")


class DeleteUserView(_DeletingEndpoint):
    """Delete the account.

    It takes the password, or a session that was opened not long ago, or the token of a mail; and
    that mail in any case where the settings ask for it.
    """

    body_class = DeleteUserBody

    @answers(
        DeletionPayload,
        NOTHING_HERE,
        session="required",
        errors={
            400: ("SESSION_EXPIRED", "FAILED_TO_CREATE_VERIFICATION", *REFUSED_PASSWORD),
            404: ("INVALID_TOKEN",),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """``{success, message}``."""
        options = get_settings().DELETE_USER
        state = self.require_session()
        if not options.ENABLED:
            return nothing_here()
        user, body = state.user, self.body
        if body.get("password"):
            require_password(user, body["password"])
        if body.get("token"):
            self._redeem(user, body["token"])
            return self._delete(user, Response(_DELETED))
        if options.CONFIRM_BY_MAIL:
            self.letters.delete_account(user, callback_url=body.get("callback_url"))
            return Response({"success": True, "message": "Verification email sent"})
        if not body.get("password") and not state.is_fresh(self.api_options):
            raise ApiError(400, "SESSION_EXPIRED")
        return self._delete(user, Response(_DELETED))


class DeleteUserCallbackView(_DeletingEndpoint):
    """Follow the link of the mail; its owner must be signed in."""

    query_class = MailedLinkQuery

    @answers(
        DeletionPayload,
        REDIRECT,
        NOTHING_HERE,
        session="optional",
        errors={404: ("FAILED_TO_GET_USER_INFO", "INVALID_TOKEN")},
    )
    def get(self, request: Request) -> HttpResponse:
        """``{success, message}``, or a redirect to ``callbackURL``."""
        if not get_settings().DELETE_USER.ENABLED:
            return nothing_here()
        user = self.session_state().user
        if user is None:
            raise ApiError(404, "FAILED_TO_GET_USER_INFO")
        self._redeem(user, self.query["token"])
        url = self.query.get("callback_url")
        return self._delete(user, self.redirect(url) if url else Response(_DELETED))
