"""Better Auth's cookies, byte for byte.

A signed value is the value, a dot and the HMAC-SHA256 of the value under the server secret in
standard base64, the whole percent-encoded as by JavaScript's ``encodeURIComponent``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from http.cookies import Morsel
from urllib.parse import quote, unquote

from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

from .options import ApiOptions

SECURE_PREFIX = "__Secure-"
# What encodeURIComponent leaves as it is, beside letters and digits.
_UNRESERVED = "-_.!~*'()"

SESSION_COOKIE = "session_token"
CACHE_COOKIE = "session_data"
BRIEF_COOKIE = "dont_remember"


def sign(value: str, secret: str) -> str:
    """``value.signature``, not yet percent-encoded: what ``Set-Auth-Token`` carries."""
    mac = hmac.new(secret.encode(), value.encode(), hashlib.sha256).digest()
    return f"{value}.{base64.b64encode(mac).decode('ascii')}"


def unsign(signed: str, secret: str) -> str | None:
    """The value of ``value.signature``, ``None`` when the signature is not ours."""
    value, dot, _signature = signed.rpartition(".")
    try:
        genuine = constant_time_compare(signed, sign(value, secret))
    except UnicodeEncodeError:
        return None
    return value if dot and genuine else None


def encode(text: str) -> str:
    """Percent-encode as JavaScript's ``encodeURIComponent`` does."""
    return quote(text, safe=_UNRESERVED)


@dataclass(frozen=True, slots=True)
class CookieJar:
    """Reads and writes the cookies of one server: their names, attributes and secret."""

    options: ApiOptions

    def name_of(self, cookie: str) -> str:
        """The full name: ``better-auth.session_token``, with ``__Secure-`` over https."""
        prefix = SECURE_PREFIX if self.options.secure_cookies else ""
        return f"{prefix}{self.options.cookie_prefix}.{cookie}"

    def read(self, request: HttpRequest, cookie: str) -> str | None:
        """The value of a signed cookie, ``None`` when it is missing or not genuine."""
        raw = request.COOKIES.get(self.name_of(cookie))
        return None if raw is None else unsign(unquote(raw), self.options.secret)

    def write(
        self, response: HttpResponse, cookie: str, value: str, *, max_age: int | None
    ) -> None:
        """Set a signed cookie.

        Args:
            response: the answer that carries it.
            cookie: its short name.
            value: what is signed.
            max_age: seconds; ``None`` for a cookie that ends with the browser.
        """
        self._set(response, cookie, encode(sign(value, self.options.secret)), max_age)

    def remove(self, response: HttpResponse, cookie: str) -> None:
        """Tell the browser to forget a cookie."""
        self._set(response, cookie, "", 0)

    def write_session(self, response: HttpResponse, token: str, *, remember: bool) -> None:
        """Set the session cookie; without ``remember`` it ends with the browser."""
        max_age = self.options.session_seconds if remember else None
        self.write(response, SESSION_COOKIE, token, max_age=max_age)
        if not remember:
            self.write(response, BRIEF_COOKIE, "true", max_age=None)

    def remove_session(self, response: HttpResponse) -> None:
        """Remove everything that belongs to a session."""
        for cookie in (SESSION_COOKIE, CACHE_COOKIE, BRIEF_COOKIE):
            self.remove(response, cookie)

    def _set(self, response: HttpResponse, cookie: str, value: str, max_age: int | None) -> None:
        # Not ``response.set_cookie``: it adds Expires, and writes an empty value as "".
        morsel: Morsel[str] = Morsel()
        name = self.name_of(cookie)
        morsel.set(name, value, value)
        if max_age is not None:
            morsel["max-age"] = str(max_age)
        morsel["path"] = "/"
        morsel["httponly"] = True
        morsel["samesite"] = "Lax"
        if self.options.secure_cookies:
            morsel["secure"] = True
        response.cookies[name] = morsel
