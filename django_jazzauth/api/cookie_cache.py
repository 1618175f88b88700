"""The three encodings of the session cache cookie: session and user, sealed by the server.

What is in it: ``{session, user, updatedAt, version}``, as the client sees session and user.

* ``compact``: JSON with an HMAC-SHA256 beside it, in URL-safe base64.
* ``jwt``: RFC 7519, HS256 under the server secret.
* ``jwe``: RFC 7516, ``dir`` with ``A256CBC-HS512`` (RFC 7518, 5.2.5); the only one whose content
  the browser's owner cannot read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.utils.crypto import constant_time_compare

from ..deferred import deferred

if TYPE_CHECKING:
    from joserfc import errors, jwe, jwk
else:
    errors, jwe, jwk = map(deferred, ("joserfc.errors", "joserfc.jwe", "joserfc.jwk"))

Content = dict[str, Any]

_JWE_ALGORITHMS = ["dir", "A256CBC-HS512"]
_JWE_SALT = b"better-auth-session"
_JWE_INFO = b"BetterAuth.js Generated Encryption Key"
_JWE_LEEWAY = 15


def encode_content(
    content: Content, *, strategy: str, secret: str, max_age: int, now: float
) -> str:
    """The value of the cookie.

    Args:
        content: see the module.
        strategy: ``compact``, ``jwt`` or ``jwe``.
        secret: the server secret.
        max_age: seconds for which it is valid.
        now: seconds since 1970.
    """
    if strategy == "compact":
        expires_at = int(now * 1000) + max_age * 1000
        signature = _signature({**content, "expiresAt": expires_at}, secret)
        sealed = {"session": content, "expiresAt": expires_at, "signature": signature}
        return _base64url(_json(sealed))
    claims = {**content, "iat": int(now), "exp": int(now) + max_age}
    if strategy == "jwt":
        return jwt.encode(claims, secret, algorithm="HS256", headers={"typ": ""})
    key = _jwe_key(secret)
    header = {"alg": "dir", "enc": "A256CBC-HS512", "kid": key.thumbprint()}
    claims["jti"] = str(uuid.uuid4())
    return jwe.encrypt_compact(header, _json(claims), key, algorithms=_JWE_ALGORITHMS)


def decode_content(text: str, *, strategy: str, secret: str, now: float) -> Content | None:
    """The content of a cookie that is genuine and has not run out; ``None`` for any other."""
    try:
        if strategy == "compact":
            content = _open_compact(text, secret, now)
        elif strategy == "jwt":
            content = _open_jwt(text, secret, now)
        else:
            content = _open_jwe(text, secret, now)
    except (ValueError, LookupError, TypeError, RecursionError, jwt.PyJWTError):
        return None
    return content if _is_content(content) else None


def _open_compact(text: str, secret: str, now: float) -> Any:
    sealed = json.loads(_from_base64url(text))
    content, expires_at = sealed["session"], sealed["expiresAt"]
    genuine = _signature({**content, "expiresAt": expires_at}, secret)
    if not constant_time_compare(genuine, sealed["signature"]) or expires_at <= now * 1000:
        return None
    return content


def _open_jwt(text: str, secret: str, now: float) -> Any:
    # The clock is the caller's, so the library checks the signature only.
    claims = jwt.decode(text, secret, algorithms=["HS256"], options={"verify_exp": False})
    return claims if claims["exp"] > now else None


def _open_jwe(text: str, secret: str, now: float) -> Any:
    try:
        opened = jwe.decrypt_compact(text, _jwe_key(secret), algorithms=_JWE_ALGORITHMS)
    except errors.JoseError:
        return None
    claims = json.loads(opened.plaintext or b"null")
    return claims if claims["exp"] + _JWE_LEEWAY > now else None


def _is_content(content: Any) -> bool:
    return (
        isinstance(content, dict)
        and isinstance(content.get("session"), dict)
        and isinstance(content.get("user"), dict)
    )


def _json(value: Any) -> bytes:
    """As JavaScript's ``JSON.stringify`` writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _signature(signed: Content, secret: str) -> str:
    return _base64url(hmac.new(secret.encode(), _json(signed), hashlib.sha256).digest())


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _from_base64url(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error


@lru_cache(maxsize=4)
def _jwe_key(secret: str) -> jwk.OctKey:
    derived = HKDF(SHA256(), 64, salt=_JWE_SALT, info=_JWE_INFO).derive(secret.encode())
    return jwk.OctKey.import_key(derived)
