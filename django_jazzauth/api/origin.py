"""Who may call: the origin rule that stands in for CSRF tokens.

A state-changing request that carries cookies must name a trusted origin; sign-in and sign-up must
do so whenever a browser sends them. Browsers cannot forge ``Origin`` and ``Sec-Fetch-*``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from django.http import HttpRequest

from ..conf import NAME
from .errors import ApiError

_log = logging.getLogger("django_jazzauth.api")

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
# A path on this site. "//host", "/\host" and their encoded forms lead elsewhere in a browser.
_RELATIVE_PATH = re.compile(r"/(?!/|\\|%2[fF]|%5[cC])[\w\-.+/@]*(?:\?[\w\-.+/=&%@]*)?", re.ASCII)
# Characters that browsers drop or turn into "/" while they parse a URL, and we do not.
_MISREAD = re.compile(r"[\s\\\x00-\x1f\x7f]")

_LONGEST_KEPT = 200

CALLBACKS = (
    ("callbackURL", "INVALID_CALLBACK_URL"),
    ("redirectTo", "INVALID_REDIRECT_URL"),
    ("errorCallbackURL", "INVALID_ERROR_CALLBACK_URL"),
    ("newUserCallbackURL", "INVALID_NEW_USER_CALLBACK_URL"),
)
"""Members and parameters that name an address, and the code where it is not trusted."""


def origin_of(url: str) -> str | None:
    """``scheme://host[:port]`` of an http(s) URL, default ports left out; ``None`` for others."""
    if _MISREAD.search(url):
        return None
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError:
        return None
    if scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        return None
    if ":" in host:
        host = f"[{host}]"
    suffix = "" if port in (None, _DEFAULT_PORTS[scheme]) else f":{port}"
    return f"{scheme}://{host}{suffix}"


def is_trusted(url: str, trusted: Iterable[str], *, allow_paths: bool = False) -> bool:
    """Whether ``url`` leads to a trusted origin.

    Args:
        url: an address, or a path.
        trusted: origins; ``*`` and ``?`` in them stand for any characters but ``/``
            (``https://*.example.com``; without a scheme only the host is compared); a scheme of an
            app with or without a host (``myapp://``, ``myapp://callback``).
        allow_paths: whether a path on this site will do.
    """
    if url.startswith("/"):
        return allow_paths and _RELATIVE_PATH.fullmatch(url) is not None
    return any(_matches(url, pattern) for pattern in trusted)


@lru_cache(maxsize=1024)
def _is_known(origin: str, trusted: tuple[str, ...]) -> bool:
    # A site's pages name the same few origins, request after request.
    return is_trusted(origin, trusted)


def check_origin(request: HttpRequest, trusted: Iterable[str], *, always: bool = False) -> None:
    """Refuse a state-changing request that carries cookies and comes from elsewhere.

    Args:
        request: the request.
        trusted: see :func:`is_trusted`.
        always: check it without cookies too.

    Raises:
        ApiError: 403.
    """
    if request.method in _SAFE_METHODS or not (always or request.META.get("HTTP_COOKIE")):
        return
    origin = _named_origin(request)
    if origin in ("", "null"):
        raise ApiError(403, "MISSING_OR_NULL_ORIGIN")
    trusted = tuple(trusted)
    fits = _is_known if len(origin) <= _LONGEST_KEPT else is_trusted
    if not fits(origin, trusted):
        _tell("a request from", origin_of(origin) or origin, trusted)
        raise ApiError(403, "INVALID_ORIGIN")


def _named_origin(request: HttpRequest) -> str:
    # Out of META: Django would make a dictionary of all headers first.
    return request.META.get("HTTP_ORIGIN") or request.META.get("HTTP_REFERER") or ""


def check_login_origin(request: HttpRequest, trusted: Iterable[str]) -> None:
    """The stricter rule of sign-in and sign-up: also without cookies, if a browser sends it.

    So that nobody can be signed in to somebody else's account by a page elsewhere. A request with
    neither ``Sec-Fetch-*`` nor ``Origin`` nor ``Referer`` does not come from a browser.

    Raises:
        ApiError: 403.
    """
    meta = request.META
    if meta.get("HTTP_COOKIE"):
        return
    site = meta.get("HTTP_SEC_FETCH_SITE", "").strip()
    mode = meta.get("HTTP_SEC_FETCH_MODE", "").strip()
    dest = meta.get("HTTP_SEC_FETCH_DEST", "").strip()
    if site == "cross-site" and mode == "navigate":
        raise ApiError(403, "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED")
    if site or mode or dest or _named_origin(request):
        check_origin(request, trusted, always=True)


def check_callbacks(body: Any, query: Mapping[str, Any], trusted: Iterable[str]) -> None:
    """Refuse to send anybody to an address that is not trusted.

    Args:
        body: the parsed request body, not yet validated.
        query: the query parameters.
        trusted: see :func:`is_trusted`.

    Raises:
        ApiError: 403, or 400 for something that is not text.
    """
    members: Mapping[str, Any] = body if isinstance(body, dict) else {}
    if not members and not query:
        return
    for name, code in CALLBACKS:
        url = members.get(name) or (query and query.get(name))
        if not url:
            continue
        if not isinstance(url, str):
            label = "redirectURL" if name == "redirectTo" else name
            raise ApiError(400, None, f"Invalid {label}: expected a string")
        if not is_trusted(url, trusted, allow_paths=True):
            _tell(f"a {name} to", origin_of(url) or url, trusted)
            raise ApiError(403, code)


def _tell(what: str, origin: str, trusted: Iterable[str]) -> None:
    # For the developer; the answer says no more than Better Auth's. An origin carries no path, so
    # no token that stands in one; what has no origin may be anything, and is cut short.
    _log.warning(
        'Refused %s %.100r. Trusted are %s: %s["BASE_URL"], and %s["TRUSTED_ORIGINS"] for others.',
        what,
        origin,
        ", ".join(trusted) or "none",
        NAME,
        NAME,
    )


def _matches(url: str, pattern: str) -> bool:
    origin = origin_of(url)
    if "*" in pattern or "?" in pattern:
        if origin is None:
            return False
        subject = origin if "://" in pattern else urlsplit(origin).netloc
        return re.fullmatch(_wildcards(pattern), subject) is not None
    if origin is not None:
        return pattern == origin
    return _matches_app(url, pattern)


def _wildcards(pattern: str) -> str:
    translated = (
        "[^/]*" if char == "*" else "[^/]" if char == "?" else re.escape(char)
        for char in re.sub(r"\*+", "*", pattern)
    )
    return "".join(translated)


def _matches_app(url: str, pattern: str) -> bool:
    """Whether ``url`` belongs to an app's own scheme: same scheme, host and path if given."""
    if _MISREAD.search(url):
        return False
    scheme, host, path = _app_parts(url)
    wanted_scheme, wanted_host, wanted_path = _app_parts(pattern)
    if not scheme or scheme in _DEFAULT_PORTS or scheme != wanted_scheme:
        return False
    if wanted_host and host != wanted_host:
        return False
    return not wanted_path or path == wanted_path or path.startswith(f"{wanted_path}/")


def _app_parts(url: str) -> tuple[str, str, str]:
    scheme, colon, rest = url.partition(":")
    if not colon:
        return "", "", ""
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    host = ""
    if rest.startswith("//"):
        host, slash, rest = rest[2:].partition("/")
        rest = slash + rest
    steps: list[str] = []
    for step in unquote(rest).split("/"):
        if step == "..":
            steps[-1:] = []
        elif step not in ("", "."):
            steps.append(step)
    return scheme.lower(), host.lower(), "".join(f"/{step}" for step in steps)
