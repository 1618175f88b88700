"""The cookie that names the account somebody signed in with, for ``useAccountCookie``.

It is signed and holds the id of the stored account, nothing else: the provider's tokens stay in the
database, sealed. It counts only for the signed-in user's own accounts.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from ...conf import get_settings
from ..cookies import CookieJar
from .linking import account_at
from .profile import Profile
from .providers import Provider

ACCOUNT_COOKIE = "account_data"


def write(answer: HttpResponse, jar: CookieJar, provider: Provider, profile: Profile) -> None:
    """Name the account of ``profile``, where ``SOCIAL["ACCOUNT_COOKIE"]`` is on."""
    if not get_settings().SOCIAL.ACCOUNT_COOKIE:
        return
    account = account_at(provider, profile)
    if account is not None:
        jar.write(answer, ACCOUNT_COOKIE, str(account.pk), max_age=jar.options.session_seconds)


def read(request: HttpRequest, jar: CookieJar) -> str | None:
    """The id of the account that a genuine cookie names."""
    return jar.read(request, ACCOUNT_COOKIE) if get_settings().SOCIAL.ACCOUNT_COOKIE else None


def remove(answer: HttpResponse, jar: CookieJar) -> None:
    """Tell the browser to forget it."""
    if get_settings().SOCIAL.ACCOUNT_COOKIE:
        jar.remove(answer, ACCOUNT_COOKIE)
