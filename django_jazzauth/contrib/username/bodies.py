"""The bodies of the username plugin."""

from __future__ import annotations

from rest_framework import serializers

from ...api.fields import BooleanField, StringField
from ...api.serializers import Body, Members


class SignInUsernameBody(Body):
    """``POST /sign-in/username``."""

    username = StringField()
    password = StringField()
    remember_me = BooleanField(required=False)
    callback_url = StringField(required=False)


class IsUsernameAvailableBody(Body):
    """``POST /is-username-available``."""

    username = StringField()


class UsernameAvailablePayload(Members):
    """Whether nobody has the name."""

    available = serializers.BooleanField()
