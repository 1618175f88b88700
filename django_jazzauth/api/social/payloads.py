"""The bodies that the social endpoints answer with, and what they read by themselves."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ..fields import StringField
from ..payloads import UserPayload
from ..serializers import Body, Members


class AccountPayload(Members):
    """A way to sign in; no tokens."""

    account_id = serializers.CharField()
    provider_id = serializers.CharField()
    user_id = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    id = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())


class AccessTokenPayload(Members):
    """The provider's token."""

    access_token = serializers.CharField(allow_null=True)
    access_token_expires_at = serializers.DateTimeField(allow_null=True)
    scopes = serializers.ListField(child=serializers.CharField())
    id_token = serializers.CharField(allow_null=True)


class RefreshedTokensPayload(Members):
    """New tokens of the provider."""

    access_token = serializers.CharField(allow_null=True)
    refresh_token = serializers.CharField(allow_null=True)
    access_token_expires_at = serializers.DateTimeField(allow_null=True)
    refresh_token_expires_at = serializers.DateTimeField(allow_null=True)
    scope = serializers.CharField(allow_null=True)
    id_token = serializers.CharField(allow_null=True)
    provider_id = serializers.CharField()
    account_id = serializers.CharField()


class SeenUserPayload(Members):
    """A user, as the provider describes them."""

    name = serializers.CharField(allow_null=True)
    email = serializers.CharField(allow_null=True)
    email_verified = serializers.BooleanField()
    image = serializers.CharField(allow_null=True)


class AccountNamePayload(Members):
    """Which account it is."""

    id = serializers.CharField()
    provider_id = serializers.CharField()
    account_id = serializers.CharField()


class AccountInfoPayload(Members):
    """What the provider says; ``data`` as it said it."""

    user = SeenUserPayload()
    data = serializers.DictField()  # type: ignore[assignment]
    account = AccountNamePayload()


class SentAwayPayload(Members):
    """The provider's address, where the browser goes on."""

    url = serializers.CharField()
    redirect = serializers.BooleanField()


class SocialSignedInPayload(Members):
    """Signed in with an ID token: no redirect is needed."""

    redirect = serializers.BooleanField()
    token = serializers.CharField()
    user = UserPayload()


class LinkedPayload(Members):
    """Linked with an ID token: no redirect is needed."""

    url = serializers.CharField()
    status = serializers.BooleanField()
    redirect = serializers.BooleanField()


class AccountInfoQuery(Body):
    """``GET /account-info``; ``providerId`` as in 1.4."""

    account_id = StringField()
    provider_id = StringField(required=False)


class CallbackQuery(Body):
    """What a provider sends somebody back with."""

    code = StringField(required=False)
    state = StringField(required=False)
    error = StringField(required=False)
    error_description = StringField(required=False)
    iss = StringField(required=False)
    user = StringField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """Under OAuth's own names (RFC 6749, section 4.1.2)."""
        fields = super().get_fields()
        return {"error_description" if n == "errorDescription" else n: f for n, f in fields.items()}
