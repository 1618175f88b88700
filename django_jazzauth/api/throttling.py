"""Rate limits by address and path, over any Django cache, as a DRF throttle.

One cached number says when a request was last counted and how many were. An atomic ``incr`` of
it decides, so that requests at the same moment cannot pass each other; that is the only operation
unless a second has passed since, when another ``incr`` moves the moment forward. Refused requests
do not: whoever waits for the window after the last counted one is let in again.

``incr`` is atomic in local memory, Redis and Memcached. Django's caches in a database or in files
read and write; there, requests at the same moment may be counted as one.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from django.conf import settings as django_settings
from django.core.cache import caches
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ..client import client_address
from ..conf import get_settings
from ..conf_groups import RateLimitSettings
from . import plugins

# The cached number: milliseconds of the last counted request, times this, plus the count. It
# stays below 2**63 until the year 2262, which caches that count themselves need.
_STEP = 1_000_000
_IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Rule:
    """How often paths may be asked for.

    Args:
        paths: patterns with ``*``.
        window: seconds.
        most: requests.
    """

    paths: tuple[str, ...]
    window: int
    most: int

    def fits(self, path: str) -> bool:
        """Whether the rule is for ``path``."""
        return any(fnmatchcase(path, pattern) for pattern in self.paths)


SPECIAL_RULES = (
    Rule(("/sign-in*", "/sign-up*", "/change-password*", "/change-email*"), 10, 3),
    Rule(
        (
            "/request-password-reset",
            "/send-verification-email",
            "/forget-password*",
            "/email-otp/send-verification-otp",
            "/email-otp/request-password-reset",
        ),
        60,
        3,
    ),
)
"""Better Auth's own for its core."""


def rule_for(path: str, options: RateLimitSettings) -> Rule | None:
    """The rule for ``path``: the project's, a plugin's, a special or the general one.

    ``None`` where the project lifts the limit.
    """
    for pattern, own in options.RULES.items():
        if fnmatchcase(path, pattern):
            return None if own is None else Rule((pattern,), own.WINDOW, own.MAX)
    for rule in (*plugins.installed().rate_rules, *SPECIAL_RULES):
        if rule.fits(path):
            return rule
    return Rule(("*",), options.WINDOW, options.MAX)


class RateThrottle(BaseThrottle):
    """The throttle of every endpoint; off where the settings say so.

    A client without a known address is not limited: all of them would share one count.
    """

    clock: Callable[[], float] = staticmethod(time.time)

    def __init__(self) -> None:
        self._wait: float | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request, or refuse it."""
        options = get_settings().RATE_LIMIT
        enabled = options.ENABLED
        if not (not django_settings.DEBUG if enabled is None else enabled):
            return True
        rule = rule_for(_path_of(request._request), options)
        address = _bucket_address(client_address(request._request))
        if rule is None or not address:
            return True
        key = _key(address, _route_of(request._request))
        self._wait = _count(caches[options.CACHE], key, rule, self.clock())
        return self._wait is None

    def wait(self) -> float | None:
        """Seconds until a request is let in again."""
        return self._wait


def _count(cache: Any, key: str, rule: Rule, now: float) -> float | None:
    """Count one request; the seconds to wait for if there were enough already."""
    moment = int(now * 1000)
    # Every counted request may begin a window of its own.
    timeout = rule.window * (rule.most + 1)
    first = moment * _STEP + 1
    value = _increment(cache, key, 1)
    if value is None:
        if cache.add(key, first, timeout):
            return None
        value = _increment(cache, key, 1) or first
    last, count = divmod(value, _STEP)
    left = last + rule.window * 1000 - moment
    if left <= 0:
        cache.set(key, first, timeout)
        return None
    if count > rule.most:
        return left / 1000
    if moment - last >= 1000:
        _increment(cache, key, (moment - last) * _STEP)
    return None


def _increment(cache: Any, key: str, delta: int) -> int | None:
    try:
        return int(cache.incr(key, delta))
    except ValueError:
        return None  # not there


def _key(address: str, route: str) -> str:
    """Says nothing about the address to whoever reads the cache."""
    text = f"jazzauth.rate|{address}|{route}".encode("utf-8", "surrogatepass")
    secret = get_settings().SECRET.encode()
    return f"jazzauth.rate.{hmac.new(secret, text, hashlib.sha256).hexdigest()}"


def _bucket_address(address: str) -> str:
    """A network for IPv6: one household has 2**64 addresses."""
    if ":" not in address:
        return address
    parsed = ipaddress.IPv6Address(address.partition("%")[0])
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, _IPV6_PREFIX), strict=False))


def _path_of(request: HttpRequest) -> str:
    """The path below the API's own: ``/sign-in/email``."""
    match = request.resolver_match
    if match is None:
        return request.path
    try:
        base = reverse(f"{match.namespace}:ok" if match.namespace else "ok")
    except NoReverseMatch:
        return request.path  # a view of the project's own
    return request.path.removeprefix(base.removesuffix("/ok"))


def _route_of(request: HttpRequest) -> str:
    """What is counted together: all values of a parameter in the path."""
    match = request.resolver_match
    return request.path if match is None else match.route


def retry_after(seconds: float) -> str:
    """For ``X-Retry-After``: whole seconds."""
    return str(max(1, math.ceil(seconds)))
