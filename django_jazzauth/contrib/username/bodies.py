"""The request bodies of the username plugin."""

from __future__ import annotations

from ...api.fields import BooleanField, StringField
from ...api.serializers import Body


class SignInUsernameBody(Body):
    """``POST /sign-in/username``."""

    username = StringField()
    password = StringField()
    remember_me = BooleanField(required=False)
    callback_url = StringField(required=False)


class IsUsernameAvailableBody(Body):
    """``POST /is-username-available``."""

    username = StringField()
