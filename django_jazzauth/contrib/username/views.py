"""``/sign-in/username`` and ``/is-username-available``."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from ...api.answers import Reply, answers
from ...api.endpoint import Endpoint
from ...api.errors import ApiError
from ...api.payloads import SignedInPayload
from ...api.responses import Response
from ...api.signing_in import if_correct
from ...api.views.sign_in import PasswordSignInEndpoint
from .bodies import IsUsernameAvailableBody, SignInUsernameBody, UsernameAvailablePayload
from .names import REFUSED_NAME, check_name, is_taken, user_named


class SignInUsernameView(PasswordSignInEndpoint):
    """Sign in with username and password."""

    body_class = SignInUsernameBody

    @answers(
        Reply((SignedInPayload,), location=True),
        opens_session=True,
        errors={
            401: ("INVALID_USERNAME_OR_PASSWORD",),
            403: ("EMAIL_NOT_VERIFIED",),
            422: REFUSED_NAME,
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """``{redirect, token, user}``, with ``url`` when a ``callbackURL`` was given."""
        name, password = self.body["username"], self.body["password"]
        if not name or not password:
            raise ApiError(401, "INVALID_USERNAME_OR_PASSWORD")
        check_name(name, status=422)
        user = if_correct(user_named(name), password, {"username": name}, self.http)
        if user is None:
            raise ApiError(401, "INVALID_USERNAME_OR_PASSWORD")
        return self.admit(user, method="username")


class IsUsernameAvailableView(Endpoint):
    """Say whether a name can be chosen."""

    body_class = IsUsernameAvailableBody

    @answers(UsernameAvailablePayload, errors={422: REFUSED_NAME})
    def post(self, request: Request) -> Response:
        """``{available}``; 422 for a name that nobody can choose."""
        name = self.body["username"]
        if not name:
            raise ApiError(422, "INVALID_USERNAME")
        return Response({"available": not is_taken(check_name(name, status=422))})
