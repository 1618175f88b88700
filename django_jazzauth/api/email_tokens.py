"""The tokens in links that verify an address: JWTs (RFC 7519), HS256 under the server secret.

They are not stored. One may be followed again and then changes nothing: what it asks for is done,
or the address that it names is no longer anybody's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import jwt

from .errors import ApiError
from .fields import is_email

CONFIRM_CHANGE = "change-email-confirmation"
"""``requestType`` of the link that goes to the old address."""
VERIFY_CHANGE = "change-email-verification"
"""``requestType`` of the link that goes to the new one."""


@dataclass(frozen=True, slots=True)
class EmailToken:
    """What a token says.

    Args:
        email: the present address of the user it is about.
        update_to: the address that is to take its place, if any.
        request_type: :data:`CONFIRM_CHANGE` or :data:`VERIFY_CHANGE`, if any.
        user_id: of that user, where a change is asked for. By the address alone a token would
            work on whoever has it later: somebody could sign up with an address of another, ask
            for a change to one of their own, give the account up, and keep the link.
    """

    email: str
    update_to: str | None = None
    request_type: str | None = None
    user_id: str | None = None


def make(token: EmailToken, *, secret: str, seconds: int) -> str:
    """The compact form of ``token``, valid for ``seconds`` from now."""
    now = int(time.time())
    claims: dict[str, Any] = {"email": token.email.lower()}
    if token.update_to is not None:
        claims["updateTo"] = token.update_to
    if token.request_type is not None:
        claims["requestType"] = token.request_type
    if token.user_id is not None:
        claims["sub"] = token.user_id
    claims |= {"iat": now, "exp": now + seconds}
    return jwt.encode(claims, secret, algorithm="HS256", headers={"typ": ""})


def read(text: str, *, secret: str) -> EmailToken:
    """What a genuine token says.

    Raises:
        ApiError: 401 ``TOKEN_EXPIRED`` or ``INVALID_TOKEN``.
    """
    try:
        claims = jwt.decode(
            text, secret, algorithms=["HS256"], options={"require": ["exp", "email"]}
        )
    except jwt.ExpiredSignatureError:
        raise ApiError(401, "TOKEN_EXPIRED") from None
    except (jwt.PyJWTError, UnicodeEncodeError):
        raise ApiError(401, "INVALID_TOKEN") from None
    email, update_to, request_type = (
        claims.get(name) for name in ("email", "updateTo", "requestType")
    )
    if not isinstance(email, str) or not is_email(email):
        raise ApiError(401, "INVALID_TOKEN")
    if update_to is not None and not (isinstance(update_to, str) and is_email(update_to)):
        raise ApiError(401, "INVALID_TOKEN")
    return EmailToken(email, update_to, request_type, claims.get("sub"))
