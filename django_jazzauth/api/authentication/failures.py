"""Refusals in the form of a Jazz server."""

from __future__ import annotations

from typing import Literal

from rest_framework.exceptions import AuthenticationFailed

from ...errors import JazzAuthError

Reason = Literal["expired", "missing", "invalid", "disabled"]


class Unauthenticated(JazzAuthError, AuthenticationFailed):
    """401 ``{"error": "unauthenticated", "code": reason, "message": message}``.

    Args:
        reason: ``expired``: sign in again; ``disabled``: the server does not take this kind of
            credential; ``invalid``: everything else that is wrong with it.
        message: text for people, without the credential.
    """

    code: str = "invalid"

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(
            {"error": "unauthenticated", "code": reason, "message": message}, code=reason
        )
        self.code = reason
        self.message = message

    def __str__(self) -> str:
        return self.message
