"""The request bodies of the core endpoints, and their validation."""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from typing import Any

from rest_framework import serializers

from . import plugins
from .body_checks import Check, ordinary_check
from .errors import ApiError
from .fields import BooleanField, EmailField, StrictField, StringField, type_name
from .request_body import UNDEFINED

_NAME_LENGTH = 255
_URL_LENGTH = 8192
# A proof as minted has less than 500 characters, whatever the audience: that is hashed.
_PROOF_LENGTH = 4096


def member_name(name: str) -> str:
    """The client's name of a member: ``callback_url`` -> ``callbackURL``."""
    first, *rest = name.split("_")
    return first + "".join("URL" if part == "url" else part.capitalize() for part in rest)


class Members(serializers.Serializer[Any]):
    """An object with the client's names: a field ``remember_me`` is the member ``rememberMe``."""

    def get_fields(self) -> dict[str, Any]:
        """The fields under the names that the client uses."""
        return {member_name(name): field for name, field in super().get_fields().items()}


class Body(Members):
    """A request body. Members that it does not know are ignored.

    One object of each class checks the bodies of all requests, in all threads: it keeps nothing.

    :attr:`shapes` are the types that a body of another type is measured against in the message.
    """

    shapes: tuple[str, ...] = ("object",)
    optional = False

    def get_fields(self) -> dict[str, Any]:
        """The fields under the names that the client uses, those of plugins last."""
        added = deepcopy(plugins.installed().fields_of(type(self)))
        fields = super().get_fields() | added
        return {member_name(name): field for name, field in fields.items()}

    @classmethod
    def own_names(cls) -> tuple[str, ...]:
        """Our names of the members, in their order."""
        return (*cls._declared_fields, *plugins.installed().fields_of(cls))


class SignUpEmailBody(Body):
    """``POST /sign-up/email``."""

    shapes = ("object", "record")

    name = StringField(max_length=_NAME_LENGTH)
    email = EmailField()
    password = StringField(min_length=1)
    image = StringField(required=False, max_length=_URL_LENGTH)
    callback_url = StringField(required=False)
    remember_me = BooleanField(required=False)
    proof_token = StringField(required=False, max_length=_PROOF_LENGTH)


class SignInEmailBody(Body):
    """``POST /sign-in/email``."""

    email = StringField()
    password = StringField()
    callback_url = StringField(required=False)
    remember_me = BooleanField(required=False)


class SignOutBody(Body):
    """``POST /sign-out``."""

    optional = True

    callback_url = StringField(required=False)
    disable_redirect = BooleanField(required=False)
    state = StringField(required=False)


class AnyBody(Body):
    """Any object, or nothing."""

    shapes = ("record",)


class RevokeSessionBody(Body):
    """``POST /revoke-session``."""

    token = StringField()


class UpdateUserBody(Body):
    """``POST /update-user``. ``email`` is known in order to be refused."""

    shapes = ("record",)

    name = StringField(required=False, max_length=_NAME_LENGTH)
    image = StringField(required=False, allow_null=True, max_length=_URL_LENGTH)
    email = StrictField(required=False, allow_null=True)


class ChangePasswordBody(Body):
    """``POST /change-password``."""

    new_password = StringField()
    current_password = StringField()
    revoke_other_sessions = BooleanField(required=False)


class VerifyPasswordBody(Body):
    """``POST /verify-password``."""

    password = StringField()


class SendVerificationEmailBody(Body):
    """``POST /send-verification-email``."""

    email = EmailField()
    callback_url = StringField(required=False)


class ChangeEmailBody(Body):
    """``POST /change-email``."""

    new_email = EmailField()
    callback_url = StringField(required=False)


class RequestPasswordResetBody(Body):
    """``POST /request-password-reset``."""

    email = EmailField()
    redirect_to = StringField(required=False)


class ResetPasswordQuery(Body):
    """``GET /reset-password/<token>``."""

    callback_url = StringField()


class ResetPasswordBody(Body):
    """``POST /reset-password``."""

    new_password = StringField()
    token = StringField(required=False)


class DeleteUserBody(Body):
    """``POST /delete-user``."""

    callback_url = StringField(required=False)
    password = StringField(required=False)
    token = StringField(required=False)


class MailedLinkQuery(Body):
    """``GET /verify-email`` and ``GET /delete-user/callback``: what the links of mails carry."""

    token = StringField()
    callback_url = StringField(required=False)


def validate(body_class: type[Body], data: Any, *, where: str = "body") -> dict[str, Any]:
    """The validated members of ``data``, under our names.

    Args:
        body_class: what it must look like.
        data: the parsed body, or :data:`UNDEFINED` when there was none.
        where: ``body`` or ``query``, for the message.

    Raises:
        ApiError: 400 ``VALIDATION_ERROR`` naming every member that is wrong, in the order in which
            the body declares them.
    """
    if data is UNDEFINED and body_class.optional:
        return {}
    if not isinstance(data, dict):
        received = "undefined" if data is UNDEFINED else type_name(data)
        complaints = [
            f"[{where}] Invalid input: expected {shape}, received {received}"
            for shape in body_class.shapes
        ]
        raise ApiError(400, "VALIDATION_ERROR", "; ".join(complaints))
    serializer, members, check = _made(body_class, plugins.installed())
    if check is not None and type(data) is dict:
        checked = check(data)
        if checked is not None:
            return checked
    try:
        known = serializer.run_validation(data)
    except serializers.ValidationError as error:
        wrong: Any = error.detail
        complaints = [
            f"[{where}.{name}] {reason}" for name, reasons in wrong.items() for reason in reasons
        ]
        raise ApiError(400, "VALIDATION_ERROR", "; ".join(complaints)) from None
    return {name: known[member] for name, member in members if member in known}


@lru_cache(maxsize=256)
def _made(
    body_class: type[Body], registry: plugins.Registry
) -> tuple[Body, tuple[tuple[str, str], ...], Check | None]:
    """A body's serializer, our names of its members with the client's, and the check in one loop.

    Made once: checking keeps nothing in the serializer, and DRF would copy every field for each.

    Args:
        body_class: the body.
        registry: of the plugins that add fields to it.
    """
    serializer = body_class()
    members = tuple((name, member_name(name)) for name in body_class.own_names())
    return serializer, members, ordinary_check(serializer, members)
