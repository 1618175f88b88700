"""JWTs of another issuer (RFC 7519), judged as a Jazz server judges them.

``sub`` is the user, ``exp`` is kept without leeway, and what policies may look at stands in a
member ``claims``. ``aud`` and ``nbf`` are not looked at, and ``iss`` only where a caller names one:
whoever's keys are trusted is trusted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, Protocol

import jwt

from ..errors import JazzAuthError
from .fetching import FetchFailed
from .verification_keys import UnusableKeySet, VerificationKey

_JWS = jwt.PyJWS()


class KeySource(Protocol):
    """Where the keys come from: :class:`.remote_keys.RemoteKeys` or :class:`FixedKeys`."""

    def current(self) -> tuple[VerificationKey, ...]:
        """The keys."""

    def refreshed(self) -> tuple[VerificationKey, ...]:
        """The keys, looked up anew if that may help."""


@dataclass(frozen=True, slots=True)
class FixedKeys:
    """Keys that do not change while the process runs."""

    keys: tuple[VerificationKey, ...]

    def current(self) -> tuple[VerificationKey, ...]:
        """The keys."""
        return self.keys

    def refreshed(self) -> tuple[VerificationKey, ...]:
        """The same keys."""
        return self.keys


class ExternalTokenRefused(JazzAuthError):
    """A token that is not taken.

    Args:
        reason: ``expired``, or ``invalid`` for everything else.
        message: text for people, without the token.
    """

    code = "EXTERNAL_TOKEN_REFUSED"

    def __init__(self, reason: Literal["expired", "invalid"], message: str) -> None:
        super().__init__(reason, message)
        self.reason: Literal["expired", "invalid"] = reason
        self.message = message

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class ExternalToken:
    """What a token of another issuer says.

    Attributes:
        subject: ``sub``, trimmed; need not be a UUID.
        issuer: ``iss``, trimmed; None when absent or blank.
        payload: all its members.
    """

    subject: str
    issuer: str | None
    payload: Mapping[str, Any]

    @property
    def session_claims(self) -> dict[str, Any]:
        """The claims of a Jazz session: the member ``claims``, with ``subject`` and ``issuer``."""
        return session_claims(self.payload.get("claims"), self.subject, self.issuer)


def session_claims(nested: Any, subject: str, issuer: str | None) -> dict[str, Any]:
    """The claims of a Jazz session out of a token's parts.

    Args:
        nested: the member ``claims`` of the token, None when it has none.
        subject: overrides a member of that name.
        issuer: likewise, where there is one.
    """
    if nested is None:
        return {"subject": subject, "issuer": issuer}
    own: dict[str, Any] = dict(nested) if isinstance(nested, Mapping) else {}
    return own | {"subject": subject} | ({} if issuer is None else {"issuer": issuer})


def verify_external(token: str, keys: KeySource, *, now: float | None = None) -> ExternalToken:
    """Check a token of another issuer.

    Args:
        token: compact form (RFC 7515, 7.1).
        keys: its issuer's.
        now: Unix time in seconds; the clock by default.

    Raises:
        ExternalTokenRefused: with the reason.
    """
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        _refuse("not a JWT")
    try:
        current = keys.current()
    except (FetchFailed, UnusableKeySet):
        _refuse("unable to load JWKS")
    payload = _verified(token, header, current)
    if payload is None:
        try:
            current = keys.refreshed()
        except (FetchFailed, UnusableKeySet):
            _refuse("unable to refresh JWKS")
        payload = _verified(token, header, current)
    if payload is None:
        kid = header.get("kid")
        if kid is not None and all(key.kid != kid for key in current):
            _refuse("no JWKS key matched the kid of the token")
        _refuse("JWT signature verification failed: InvalidSignature")
    return _read(payload, time.time() if now is None else now)


def _verified(
    token: str, header: Mapping[str, Any], keys: tuple[VerificationKey, ...]
) -> bytes | None:
    algorithm = str(header.get("alg"))
    for key in _candidates(header.get("kid"), algorithm, keys):
        try:
            payload: bytes = _JWS.decode(token, key.key, algorithms=[algorithm])
        except (jwt.PyJWTError, ValueError):
            continue
        return payload
    return None


def _candidates(
    kid: Any, algorithm: str, keys: tuple[VerificationKey, ...]
) -> Iterator[VerificationKey]:
    return (key for key in keys if kid in (None, key.kid) and algorithm in key.algorithms)


def _read(octets: bytes, now: float) -> ExternalToken:
    try:
        payload = json.loads(octets.decode("utf-8"), parse_constant=_no_constant)
        # Half a character can be neither stored nor sent on.
        json.dumps(payload, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        _refuse("JWT payload is not JSON")
    if not isinstance(payload, dict):
        _refuse("JWT payload is no object")
    subject, issuer = payload.get("sub"), payload.get("iss")
    if not isinstance(subject, str) or not isinstance(issuer, str | None):
        _refuse("JWT claims sub and iss must be text, and sub present")
    expires = payload.get("exp")
    for moment in (expires, payload.get("iat")):
        if moment is not None and type(moment) is not int:
            _refuse("JWT claims exp and iat must be whole seconds")
    if expires is not None and expires <= int(now):
        raise ExternalTokenRefused("expired", "JWT has expired")
    if not subject.strip():
        _refuse("Invalid JWT subject")
    return ExternalToken(subject.strip(), (issuer or "").strip() or None, payload)


def _refuse(message: str) -> NoReturn:
    raise ExternalTokenRefused("invalid", message) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
