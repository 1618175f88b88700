"""Errors as the client sees them: a status, and ``{"message", "code"}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions
from rest_framework.views import set_rollback

from ..errors import HashingBusy, JazzAuthError, ValueNotStorable
from ..hashing_pool import RETRY_AFTER
from . import plugins
from .responses import Response
from .throttling import retry_after

MESSAGES: dict[str, str] = {
    "UNAUTHORIZED": "Unauthorized",
    "BAD_REQUEST": "Invalid JSON in request body",
    "VALIDATION_ERROR": "Validation Error",
    "FAILED_TO_CREATE_USER": "Failed to create user",
    "FAILED_TO_CREATE_SESSION": "Failed to create session",
    "FAILED_TO_GET_SESSION": "Failed to get session",
    "INVALID_EMAIL": "Invalid email",
    "INVALID_EMAIL_OR_PASSWORD": "Invalid email or password",
    "PASSWORD_TOO_SHORT": "Password too short",
    "PASSWORD_TOO_LONG": "Password too long",
    "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL": "User already exists. Use another email.",
    "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED": (
        "Cross-site navigation login blocked. This request appears to be a CSRF attack."
    ),
    "INVALID_ORIGIN": "Invalid origin",
    "MISSING_OR_NULL_ORIGIN": "Missing or null Origin",
    "INVALID_CALLBACK_URL": "Invalid callbackURL",
    "INVALID_REDIRECT_URL": "Invalid redirectURL",
    "INVALID_ERROR_CALLBACK_URL": "Invalid errorCallbackURL",
    "INVALID_NEW_USER_CALLBACK_URL": "Invalid newUserCallbackURL",
    "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED": (
        "POST method requires deferSessionRefresh to be enabled in session config"
    ),
    "INVALID_PASSWORD": "Invalid password",
    "INVALID_TOKEN": "Invalid token",
    "TOKEN_EXPIRED": "Token expired",
    "USER_NOT_FOUND": "User not found",
    "EMAIL_NOT_VERIFIED": "Email not verified",
    "INVALID_USER": "Invalid user",
    "FAILED_TO_UPDATE_USER": "Failed to update user",
    "FAILED_TO_GET_USER_INFO": "Failed to get user info",
    "EMAIL_CAN_NOT_BE_UPDATED": "Email can not be updated",
    "CHANGE_EMAIL_DISABLED": "Change email is disabled",
    "CREDENTIAL_ACCOUNT_NOT_FOUND": "Credential account not found",
    "SESSION_EXPIRED": "Session expired. Re-authenticate to perform this action.",
    "SESSION_NOT_FRESH": "Session is not fresh",
    "VERIFICATION_EMAIL_NOT_ENABLED": "Verification email isn't enabled",
    "EMAIL_ALREADY_VERIFIED": "Email is already verified",
    "EMAIL_MISMATCH": "Email mismatch",
    "PASSWORD_ALREADY_SET": "User already has a password set",
    "FAILED_TO_CREATE_VERIFICATION": "Unable to create verification",
    "FIELD_NOT_ALLOWED": "Field not allowed to be set",
    "RESET_PASSWORD_DISABLED": "Reset password isn't enabled",
    # Beyond Better Auth: sign-up with a proof of a local-first identity.
    "PROOF_REQUIRED": "proofToken is required",
    "PROOF_NOT_SUPPORTED": "This server does not accept a proofToken",
    "PROOF_TOO_OLD": "proofToken is too old",
    "PROOF_ALREADY_USED": "proofToken has been used before",
    "IDENTITY_ALREADY_REGISTERED": "This identity already has an account. Sign in instead.",
}
"""Better Auth's code -> message, as far as used here. The texts are part of the contract."""

TOO_MANY_REQUESTS = "Too many requests. Please try again later."
"""The message of a 429, which has no code."""


class ApiError(JazzAuthError, exceptions.APIException):
    """An answer that refuses: ``raise ApiError(422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL")``.

    Args:
        status: the HTTP status.
        code: a stable code; ``None`` for the few errors that have only a message.
        message: the text, where it is not the one that :data:`MESSAGES` or a plugin has for the
            code.
        headers: of the answer.
    """

    code: str = "ERROR"

    def __init__(
        self,
        status: int,
        code: str | None,
        message: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status_code = status
        self.headers = dict(headers or {})
        if code is not None:
            self.code = code
        self.message = message if message is not None else _message_of(code or "")
        self.body = {"message": self.message} | ({} if code is None else {"code": code})
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


def _message_of(code: str) -> str:
    known = MESSAGES.get(code)
    return plugins.installed().messages[code] if known is None else known


def unauthorized() -> ApiError:
    """401: nobody is signed in."""
    return ApiError(401, "UNAUTHORIZED")


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF exception handler: the wire form of every expected error.

    Anything else is a fault of ours: ``None`` lets Django answer 500 and log it.
    """
    known = _as_api_error(error)
    if known is None:
        return None
    set_rollback()
    return Response(known.body, status=known.status_code, headers=known.headers)


def _as_api_error(error: Exception) -> ApiError | None:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, exceptions.ParseError):
        return ApiError(400, "BAD_REQUEST")
    if isinstance(error, ValueNotStorable):
        return ApiError(400, error.code, "A value cannot be stored")
    if isinstance(error, RequestDataTooBig):
        return ApiError(413, "PAYLOAD_TOO_LARGE", "Request body too large")
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return unauthorized()
    if isinstance(error, PermissionDenied | exceptions.PermissionDenied):
        return ApiError(403, "FORBIDDEN", "Forbidden")
    if isinstance(error, Http404):
        return ApiError(404, "NOT_FOUND", "Not found")
    if isinstance(error, exceptions.Throttled):
        return _too_many(getattr(error, "wait", None))
    if isinstance(error, HashingBusy):
        return _too_many(RETRY_AFTER)
    if isinstance(error, exceptions.APIException):
        return _of_another_view(error)
    return None


def _too_many(seconds: float | None) -> ApiError:
    wait = {} if seconds is None else {"X-Retry-After": retry_after(seconds)}
    return ApiError(429, None, TOO_MANY_REQUESTS, headers=wait)


def _of_another_view(error: exceptions.APIException) -> ApiError:
    """A refusal that endpoints never raise: of a project's own view that uses this handler."""
    if isinstance(error, exceptions.ValidationError) or not isinstance(error.detail, str):
        return ApiError(error.status_code, "VALIDATION_ERROR")
    return ApiError(error.status_code, str(error.get_codes()).upper(), str(error.detail))
