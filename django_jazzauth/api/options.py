"""What the settings mean for one request: origin, secret, cookies, life of sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpRequest

from ..conf import Settings, while_settings_hold
from ..conf_groups import CookieCache
from .origin import origin_of

SECURE_PREFIX = "__Secure-"
BRIEF_SESSION = timedelta(days=1)
"""Life of a session that was opened with ``rememberMe: false``."""


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """The options of the API as they apply to one request."""

    origin: str
    trusted_origins: tuple[str, ...]
    secret: str
    secure_cookies: bool
    cookie_prefix: str
    cookie_names: str
    """What the names of all cookies begin with: ``better-auth.``, or ``__Secure-better-auth.``."""
    session_life: timedelta
    session_update_age: timedelta
    session_fresh_age: timedelta
    cookie_cache: CookieCache

    def __repr__(self) -> str:
        return f"<ApiOptions of {self.origin}>"

    @property
    def session_seconds(self) -> int:
        """Life of a remembered session, for ``Max-Age``."""
        return int(self.session_life.total_seconds())


def options_for(request: HttpRequest) -> ApiOptions:
    """The options for ``request``.

    The origin is that of the setting ``BASE_URL``; without it, the request's own, which Django
    has checked against ``ALLOWED_HOSTS``.
    """
    (fixed,) = _fixed_options()
    return fixed or _options_at(request.build_absolute_uri("/"))


@while_settings_hold
def _fixed_options(settings: Settings) -> tuple[ApiOptions | None]:
    """The options that do not depend on the request."""
    return (_options_at("") if settings.BASE_URL else None,)


@while_settings_hold
def _options_at(settings: Settings, own_url: str) -> ApiOptions:
    origin = origin_of(settings.BASE_URL or own_url) or ""
    secure = settings.USE_SECURE_COOKIES
    if secure is None:
        secure = origin.startswith("https://")
    return ApiOptions(
        origin=origin,
        trusted_origins=(origin, *settings.TRUSTED_ORIGINS),
        secret=settings.SECRET,
        secure_cookies=secure,
        cookie_prefix=settings.COOKIE_PREFIX,
        cookie_names=f"{SECURE_PREFIX if secure else ''}{settings.COOKIE_PREFIX}.",
        session_life=timedelta(seconds=settings.SESSION.life),
        session_update_age=timedelta(seconds=settings.SESSION.UPDATE_AGE),
        session_fresh_age=timedelta(seconds=settings.SESSION.FRESH_AGE),
        cookie_cache=settings.SESSION.cookie_cache,
    )
