"""A trusted backend that acts as a user: ``X-Jazz-Backend-Secret`` and ``X-Jazz-Session``."""

from __future__ import annotations

import base64
import json
from typing import Any, NoReturn, get_args

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from ...conf import get_settings
from .base import TokenAuthentication
from .failures import Unauthenticated
from .session import AuthMode, AuthSession

_MODES: tuple[AuthMode, ...] = get_args(AuthMode)
_MEMBERS = ("user_id", "claims", "auth_mode", "authMode")


class BackendAuthentication(TokenAuthentication):
    """The session that a backend names, once it has shown the secret of the settings."""

    def session_of(self, request: HttpRequest) -> AuthSession | None:
        """The named session; ``None`` without ``X-Jazz-Session``."""
        return impersonated_session(request)

    def authenticate_header(self, request: Any) -> str:
        """The name of the header that would do."""
        return "X-Jazz-Backend-Secret"


def impersonated_session(request: HttpRequest) -> AuthSession | None:
    """The session in ``X-Jazz-Session``, ``None`` where it is absent or means nothing here.

    Raises:
        Unauthenticated: without the right secret, or the session is malformed.
    """
    named = request.META.get("HTTP_X_JAZZ_SESSION")
    if named is None:
        return None
    given = request.META.get("HTTP_X_JAZZ_BACKEND_SECRET")
    secret = get_settings().JAZZ.BACKEND_SECRET
    if secret is None:
        if given is not None:
            raise Unauthenticated("disabled", "Backend auth not configured")
        return None
    if given is None:
        raise Unauthenticated("invalid", "Backend secret required for session impersonation")
    if not constant_time_compare(given.encode("utf-8", "surrogatepass"), secret.encode()):
        raise Unauthenticated("invalid", "Invalid backend secret")
    return read_session(named)


def read_session(text: str) -> AuthSession:
    """A session out of the standard base64, with padding, of its JSON.

    Raises:
        Unauthenticated: it is anything else.
    """
    try:
        octets = base64.b64decode(text.encode("ascii"), validate=True)
        # The decoder overlooks bits that count for nothing; one session has one spelling.
        if base64.b64encode(octets) != text.encode("ascii"):
            _refuse()
        members = json.loads(
            octets.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant
        )
        json.dumps(members, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        _refuse()
    if not isinstance(members, _Object) or members.repeated or "claims" not in members:
        _refuse()
    user_id = members.get("user_id")
    modes = [members[name] for name in ("auth_mode", "authMode") if name in members]
    if not isinstance(user_id, str) or len(modes) > 1:
        _refuse()
    named = modes[0] if modes else "external"
    mode = next((mode for mode in _MODES if mode == named), None)
    if mode is None:
        _refuse()
    return AuthSession(user_id=user_id, auth_mode=mode, claims=members["claims"])


class _Object(dict[str, Any]):
    """A JSON object that knows whether a member of a session was given twice."""

    repeated = False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = _Object(pairs)
    names = [name for name, _value in pairs if name in _MEMBERS]
    made.repeated = len(names) != len(set(names))
    return made


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _refuse() -> NoReturn:
    raise Unauthenticated("invalid", "Invalid session format") from None
