"""Sets ``last_used_login_method``."""

from __future__ import annotations

from django.http import HttpResponse

from ...api.cookies import encode
from ...api.plugins import Plugin
from ...api.signing_in import SignIn
from ...conf import get_settings

COOKIE = "last_used_login_method"
# Besides the names of providers. As in Better Auth: no username, phone number or guest.
RECORDED = frozenset({"email", "magic-link", "email-otp", "passkey", "siwe"})


class LastLoginMethodPlugin(Plugin):
    """A cookie for the page's own scripts: no ``HttpOnly``, no signature, no ``__Secure-``."""

    name = "last-login-method"

    def after_sign_in(self, sign_in: SignIn, answer: HttpResponse) -> None:
        """Set it, also where a second factor is still to come."""
        if sign_in.factor != "provider" and sign_in.method not in RECORDED:
            return
        sign_in.jar.set_unsigned(
            answer,
            f"{sign_in.options.cookie_prefix}.{COOKIE}",
            encode(sign_in.method),
            max_age=get_settings().LAST_LOGIN_METHOD.MAX_AGE,
            for_scripts=True,
        )
