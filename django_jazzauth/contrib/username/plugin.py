"""What the username plugin adds to the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import path

from ...api.answers import Answers
from ...api.errors import ApiError
from ...api.fields import StringField
from ...api.plugins import Member, Plugin
from ...api.serializers import SignUpEmailBody, UpdateUserBody
from ...api.views.sign_up import SignUpEmailView
from ...api.views.user import UpdateUserView
from .names import REFUSED_NAME, check_name, is_taken
from .views import IsUsernameAvailableView, SignInUsernameView

_TEXT_OR_NULL = {"type": ["string", "null"]}
_DISPLAY_LENGTH = 255


def _fields() -> dict[str, StringField]:
    return {
        "username": StringField(required=False),
        "display_username": StringField(required=False, max_length=_DISPLAY_LENGTH),
    }


def _username(user: Any) -> str | None:
    name: str | None = user.public_username
    return None if name is None else name.lower()


def _display_username(user: Any) -> str | None:
    shown: str | None = user.display_username or user.public_username
    return shown


class UsernamePlugin(Plugin):
    """Names to sign in with."""

    name = "username"
    urlpatterns = (
        path("sign-in/username", SignInUsernameView.as_view(), name="sign-in-username"),
        path(
            "is-username-available",
            IsUsernameAvailableView.as_view(),
            name="is-username-available",
        ),
    )
    body_fields = {SignUpEmailBody: _fields(), UpdateUserBody: _fields()}
    user_members = {
        "username": Member(_username, _TEXT_OR_NULL),
        "displayUsername": Member(_display_username, _TEXT_OR_NULL),
    }
    answers = {
        cls: Answers(errors={400: ("USERNAME_IS_ALREADY_TAKEN", *REFUSED_NAME)})
        for cls in (SignUpEmailView, UpdateUserView)
    }
    messages = {
        "INVALID_USERNAME_OR_PASSWORD": "Invalid username or password",
        "USERNAME_IS_ALREADY_TAKEN": "Username is already taken. Please try another.",
        "USERNAME_TOO_SHORT": "Username is too short",
        "USERNAME_TOO_LONG": "Username is too long",
        "INVALID_USERNAME": "Username is invalid",
    }

    def user_values(self, body: Mapping[str, Any], user: Any) -> Mapping[str, Any]:
        """The name in lower case, and the form to show: at sign-up what was typed, else as told."""
        values: dict[str, Any] = {}
        if "username" in body:
            values["username"] = check_name(body["username"], status=400)
        if "display_username" in body:
            values["display_username"] = body["display_username"]
        elif user is None and "username" in body:
            values["display_username"] = body["username"]
        return values

    def refuse_taken(self, values: Mapping[str, Any], user: Any) -> None:
        """400 where another user has the name, in whatever case."""
        if values.get("username") and is_taken(values["username"], but=user):
            raise ApiError(400, "USERNAME_IS_ALREADY_TAKEN")
