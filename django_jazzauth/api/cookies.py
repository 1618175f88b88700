"""Better Auth's cookies, byte for byte.

A signed value is the value, a dot and the HMAC-SHA256 of the value under the server secret in
standard base64, the whole percent-encoded as by JavaScript's ``encodeURIComponent``.
"""

from __future__ import annotations

import binascii
import hmac
import re
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from django.http import HttpRequest, HttpResponse

from . import plugins, wire
from .cookie_cache import Content, decode_content, encode_content
from .morsels import morsel
from .options import ApiOptions
from .responses import ReadyHeaders, Response, ready_headers

# What encodeURIComponent does not leave as it is.
_RESERVED = re.compile(r"[^A-Za-z0-9\-_.!~*'()]+")

# What base64 has of these.
_ENCODED = {char: quote(char, safe="") for char in "+/="}

SESSION_COOKIE = "session_token"
CACHE_COOKIE = "session_data"
BRIEF_COOKIE = "dont_remember"

# Only names that we write ourselves: neither ".01" nor digits of other scripts.
_PART = re.compile(r"0|[1-9][0-9]?")

# Browsers drop a cookie of more than 4096 bytes, name and attributes included.
_CHUNK = 3850

_LONGEST_KEPT = 200

_EXPOSE = "Access-Control-Expose-Headers"


def sign(value: str, secret: str) -> str:
    """``value.signature``, not yet percent-encoded: what ``Set-Auth-Token`` carries."""
    mac = _keyed(secret).copy()
    mac.update(value.encode())
    signature = binascii.b2a_base64(mac.digest(), newline=False)
    return f"{value}.{signature.decode('ascii')}"


@lru_cache(maxsize=64)
def _lately_signed(value: str, secret: str) -> str:
    # What goes into the cookie goes into the header of a plugin too.
    return sign(value, secret)


@lru_cache(maxsize=8)
def _keyed(secret: str) -> hmac.HMAC:
    return hmac.new(secret.encode(), digestmod="sha256")


def unsign(signed: str, secret: str) -> str | None:
    """The value of ``value.signature``, ``None`` when the signature is not ours."""
    value, dot, _signature = signed.rpartition(".")
    try:
        genuine = hmac.compare_digest(signed.encode(), sign(value, secret).encode())
    except UnicodeEncodeError:
        return None
    return value if dot and genuine else None


@lru_cache(maxsize=2048)  # as many as there are sessions among the rows that are remembered
def _unsigned(raw: str, secret: str) -> str | None:
    # Whoever is signed in sends the same cookie with every request.
    return unsign(decode(raw), secret)


def encode(text: str) -> str:
    """Percent-encode as JavaScript's ``encodeURIComponent`` does."""
    return _RESERVED.sub(_quoted, text)  # few characters of a token are


def _quoted(found: re.Match[str]) -> str:
    text = found[0]
    return _ENCODED.get(text) or quote(text, safe="")


def decode(text: str) -> str:
    """The opposite of :func:`encode`."""
    return unquote_to_bytes(text).decode("utf-8", "replace")


@lru_cache(maxsize=64)
def _exposing(header: str) -> ReadyHeaders:
    return ready_headers({_EXPOSE: header})


def expose(response: HttpResponse, header: str) -> None:
    """Let scripts of other origins read a header of the answer."""
    name = _EXPOSE
    exposed = response.headers.get(name)
    if exposed is None and isinstance(response, Response):
        response.put_headers(_exposing(header))
    elif exposed is None:
        response[name] = header
    elif header not in exposed.split(", "):
        response[name] = f"{exposed}, {header}"


def read_signed(request: HttpRequest, options: ApiOptions, cookie: str) -> str | None:
    """The value of a signed cookie by its short name; ``None`` if missing or not genuine."""
    raw = request.COOKIES.get(options.cookie_names + cookie)
    if raw is None:
        return None
    if len(raw) > _LONGEST_KEPT:
        return unsign(decode(raw), options.secret)
    return _unsigned(raw, options.secret)


@dataclass(slots=True)  # frozen ones take thrice as long to make
class CookieJar:
    """Reads and writes the cookies of one server: their names, attributes and secret.

    Args:
        options: the server's.
        request: the one that is answered; by it, parts of a former cache cookie are found.
    """

    options: ApiOptions
    request: HttpRequest | None = None

    def name_of(self, cookie: str) -> str:
        """The full name: ``better-auth.session_token``, with ``__Secure-`` over https."""
        return self.options.cookie_names + cookie

    def read(self, request: HttpRequest, cookie: str) -> str | None:
        """The value of a signed cookie, ``None`` when it is missing or not genuine."""
        return read_signed(request, self.options, cookie)

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
        self._set(response, cookie, encode(self.signed(value)), max_age)

    def signed(self, value: str) -> str:
        """``value.signature``, as :func:`sign` makes it, of what was signed a moment ago."""
        return _lately_signed(value, self.options.secret)

    def remove(self, response: HttpResponse, cookie: str) -> None:
        """Tell the browser to forget a cookie."""
        self._set(response, cookie, "", 0)

    def write_session(self, response: HttpResponse, session: Any, *, remember: bool) -> None:
        """Set the session cookie, the cache cookie where that is on, and what plugins add.

        Args:
            response: the answer that carries them.
            session: with its user.
            remember: ``False`` for cookies that end with the browser.
        """
        max_age = self.options.session_seconds if remember else None
        self.write(response, SESSION_COOKIE, session.token, max_age=max_age)
        if not remember:
            self.write(response, BRIEF_COOKIE, "true", max_age=None)
        self.write_cache(response, session, remember=remember)
        for add in plugins.installed().session_cookie_written:
            add(response, session, self)

    def remove_session(self, response: HttpResponse) -> None:
        """Remove everything that belongs to a session."""
        for cookie in (SESSION_COOKIE, CACHE_COOKIE, BRIEF_COOKIE, *self._cache_parts()):
            self.remove(response, cookie)

    def write_cache(self, response: HttpResponse, session: Any, *, remember: bool) -> None:
        """Set the cache cookie, in parts when it is too long for one; nothing when it is off."""
        options = self.options.cookie_cache
        if not options.ENABLED:
            return
        now = time.time()
        content: Content = {
            "session": wire.session_payload(session),
            "user": wire.user_payload(session.user),
            "updatedAt": int(now * 1000),
            "version": options.VERSION,
        }
        lifetime = options.MAX_AGE
        if options.STATELESS:
            content["auth"] = session.user.get_session_auth_hash()
            lifetime = min(lifetime, max(0, int(session.expires_at.timestamp() - now)))
        value = encode_content(
            content,
            strategy=options.STRATEGY,
            secret=self.options.secret,
            max_age=lifetime,
            now=now,
        )
        max_age = lifetime if remember else None
        parts = {CACHE_COOKIE: value}
        if len(value) > _CHUNK:
            starts = range(0, len(value), _CHUNK)
            parts = {
                f"{CACHE_COOKIE}.{number}": value[start : start + _CHUNK]
                for number, start in enumerate(starts)
            }
        for cookie in self._cache_parts():
            if cookie not in parts:
                self.remove(response, cookie)
        for cookie, part in parts.items():
            self._set(response, cookie, part, max_age)

    def read_cache(self, request: HttpRequest) -> Content | None:
        """The content of a genuine cache cookie that is still valid, ``None`` without one."""
        options = self.options.cookie_cache
        if not options.ENABLED:
            return None
        text = request.COOKIES.get(self.name_of(CACHE_COOKIE))
        if not text:
            parts = CookieJar(self.options, request)._cache_parts()
            text = "".join(request.COOKIES[self.name_of(part)] for part in parts)
        if not text:
            return None
        content = decode_content(
            decode(text), strategy=options.STRATEGY, secret=self.options.secret, now=time.time()
        )
        if content is None or content.get("version") != options.VERSION:
            return None
        # A copy of a stored session is no session, nor the other way round.
        return content if isinstance(content.get("auth"), str) == options.STATELESS else None

    def _cache_parts(self) -> list[str]:
        """The short names of the parts that the browser sent, in their order."""
        if self.request is None:
            return []
        start = f"{self.options.cookie_names}{CACHE_COOKIE}."
        sent = [name[len(start) :] for name in self.request.COOKIES if name.startswith(start)]
        numbers = sorted(int(number) for number in sent if _PART.fullmatch(number))
        return [f"{CACHE_COOKIE}.{number}" for number in numbers]

    def _set(self, response: HttpResponse, cookie: str, value: str, max_age: int | None) -> None:
        self.set_unsigned(response, self.options.cookie_names + cookie, value, max_age=max_age)

    def set_unsigned(
        self,
        response: HttpResponse,
        name: str,
        value: str,
        *,
        max_age: int | None,
        for_scripts: bool = False,
    ) -> None:
        """Set a cookie as it is.

        Args:
            response: the answer that carries it.
            name: its full name.
            value: percent-encoded.
            max_age: seconds; ``None`` for a cookie that ends with the browser.
            for_scripts: let the page's scripts read it: without ``HttpOnly``.
        """
        # Not ``response.set_cookie``: it adds Expires, and writes an empty value as "".
        response.cookies[name] = morsel(
            name,
            value,
            max_age=max_age,
            for_scripts=for_scripts,
            secure=self.options.secure_cookies,
        )
