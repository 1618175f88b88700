"""Rate limits by address and path, over any Django cache, as a DRF throttle.

One cached number says when a request was last counted and how many were. An atomic ``incr`` of
it decides, so that requests at the same moment cannot pass each other; that is the only operation
unless a second has passed since, when another ``incr`` moves the moment forward. Refused requests
do not: whoever waits for the window after the last counted one is let in again. Those that find the
window over at the same moment are counted apart, and at most ``most`` of them begin the next.

``incr`` is atomic in local memory, Redis and Memcached. Django's caches in a database or in files
read and write; there, requests at the same moment may be counted as one.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.urls import NoReverseMatch, reverse
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ..client import client_address
from ..conf import Settings, get_settings, while_settings_hold
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


def rule_for(path: str) -> Rule | None:
    """The rule for ``path``: the project's, a plugin's, a special or the general one.

    ``None`` where the project lifts the limit.
    """
    options = get_settings().RATE_LIMIT
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

    _wait: float | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request, or refuse it."""
        http = request._request
        options = get_settings().RATE_LIMIT
        enabled = options.ENABLED
        if not (not settings.DEBUG if enabled is None else enabled):
            return True
        match = http.resolver_match
        urlconf = getattr(http, "urlconf", None)
        namespace = "" if match is None else match.namespace
        (rule,) = _rule_at(plugins.installed(), urlconf, namespace, http.path)
        address = client_address(http)
        if rule is None or not address:
            return True
        # Counted together: all values of a parameter in the path.
        key = _key(address, http.path if match is None else match.route)
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
        return _begin(cache, key, rule, last, first, timeout)
    if count > rule.most:
        return left / 1000
    if moment - last >= 1000:
        ahead = (moment - last) * _STEP
        moved = _increment(cache, key, ahead)
        if moved is not None and moved // _STEP > moment:
            _increment(cache, key, -ahead)  # another request has moved it as well
    return None


def _begin(cache: Any, key: str, rule: Rule, last: int, first: int, timeout: int) -> float | None:
    """Begin a window: one request sets the number, others at the same moment add to it."""
    after = f"{key}.{last}"
    number = 1 if cache.add(after, 1, rule.window) else _increment(cache, after, 1) or 1
    if number > rule.most:
        return float(rule.window)
    if number == 1:
        cache.set(key, first, timeout)
    else:
        _increment(cache, key, 1)
    return None


def _increment(cache: Any, key: str, delta: int) -> int | None:
    try:
        return int(cache.incr(key, delta))
    except ValueError:
        return None  # not there


@while_settings_hold
def _key(settings: Settings, address: str, route: str) -> str:
    """Says nothing about the address to whoever reads the cache."""
    text = f"{_bucket_address(address)}|{route}".encode("utf-8", "surrogatepass")
    key = hashlib.sha256(b"jazzauth.rate|" + settings.SECRET.encode()).digest()
    # Short, for Django's caches look at each character of a key.
    return f"jazzauth.{hashlib.blake2b(text, key=key, digest_size=16).hexdigest()}"


def _bucket_address(address: str) -> str:
    """A network for IPv6: one household has 2**64 addresses."""
    if ":" not in address:
        return address
    parsed = ipaddress.IPv6Address(address.partition("%")[0])
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, _IPV6_PREFIX), strict=False))


@while_settings_hold
def _rule_at(
    settings: Settings, registry: plugins.Registry, urlconf: Any, namespace: str, path: str
) -> tuple[Rule | None]:
    """The rule for a path of the site that led to the API of that URLconf and namespace."""
    try:
        base = reverse(f"{namespace}:ok" if namespace else "ok").removesuffix("/ok")
    except NoReverseMatch:
        base = ""  # a view of the project's own
    return (rule_for(path.removeprefix(base)),)


def retry_after(seconds: float) -> str:
    """For ``X-Retry-After``: whole seconds."""
    return str(max(1, math.ceil(seconds)))
