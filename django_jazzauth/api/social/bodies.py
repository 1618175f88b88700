"""The request bodies and query parameters of these endpoints."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ..fields import BooleanField, StrictField, StringField, type_name
from ..serializers import Body

_ID_TOKEN_MEMBERS = ("token", "nonce", "accessToken", "refreshToken")


class NameField(StringField):
    """A provider's name. Better Auth has a list of them here, hence the short complaint."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=100, **kwargs)
        self.error_messages |= {"required": "Invalid input", "null": "Invalid input"}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Invalid input")
        return super().to_internal_value(data)


class StringsField(StrictField):
    """A list of strings."""

    kind = list
    kind_name = "array"

    def to_internal_value(self, data: Any) -> list[str]:
        items: list[Any] = super().to_internal_value(data)
        for item in items:
            _require_string(item)
        return items

    def json_schema(self) -> dict[str, Any]:
        """With its items."""
        return {"type": "array", "items": {"type": "string"}}


class StringMapField(StrictField):
    """An object whose members are strings."""

    kind = dict
    kind_name = "record"

    def to_internal_value(self, data: Any) -> dict[str, str]:
        members: dict[str, Any] = super().to_internal_value(data)
        for value in members.values():
            _require_string(value)
        return members

    def json_schema(self) -> dict[str, Any]:
        """With its members."""
        return {"type": "object", "additionalProperties": {"type": "string"}}


class IdTokenField(StrictField):
    """``{token, nonce?, accessToken?, refreshToken?, user?}``."""

    kind = dict
    kind_name = "object"

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        members: dict[str, Any] = super().to_internal_value(data)
        if "token" not in members:
            raise serializers.ValidationError("Invalid input: expected string, received undefined")
        for name in _ID_TOKEN_MEMBERS:
            if name in members:
                _require_string(members[name])
        return members

    def json_schema(self) -> dict[str, Any]:
        """With its members; ``user`` is what an app was told about their owner."""
        texts: dict[str, Any] = {name: {"type": "string"} for name in _ID_TOKEN_MEMBERS}
        return {"type": "object", "properties": texts | {"user": {}}, "required": ["token"]}


class LinkSocialBody(Body):
    """``POST /link-social``."""

    provider = NameField()
    callback_url = StringField(required=False)
    error_callback_url = StringField(required=False)
    disable_redirect = BooleanField(required=False)
    id_token = IdTokenField(required=False)
    scopes = StringsField(required=False)
    request_sign_up = BooleanField(required=False)
    login_hint = StringField(required=False)
    additional_params = StringMapField(required=False)


class SignInSocialBody(LinkSocialBody):
    """``POST /sign-in/social``."""

    new_user_callback_url = StringField(required=False)


class LinkOAuth2Body(LinkSocialBody):
    """``POST /oauth2/link`` of Better Auth 1.4."""

    provider = None  # type: ignore[assignment]  # how DRF drops an inherited field
    provider_id = NameField()


class SignInOAuth2Body(SignInSocialBody):
    """``POST /sign-in/oauth2`` of Better Auth 1.4."""

    provider = None  # type: ignore[assignment]  # how DRF drops an inherited field
    provider_id = NameField()


class UnlinkAccountBody(Body):
    """``POST /unlink-account``: ``{accountId}``, in 1.4 ``{providerId, accountId?}``."""

    provider_id = StringField(required=False)
    account_id = StringField(required=False)


class AccountBody(Body):
    """``POST /get-access-token`` and ``/refresh-token``; ``providerId`` as in 1.4."""

    account_id = StringField(required=False)
    provider_id = StringField(required=False)
    use_account_cookie = BooleanField(required=False)


class AccountQuery(Body):
    """``GET /get-access-token``."""

    account_id = StringField(required=False)
    provider_id = StringField(required=False)


def _require_string(value: Any) -> None:
    if not isinstance(value, str):
        raise serializers.ValidationError(
            f"Invalid input: expected string, received {type_name(value)}"
        )
