"""Reads ``Authorization: Bearer`` and answers with ``Set-Auth-Token``."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from ...api.authentication.bearer import session_token_of
from ...api.cookies import CookieJar, expose
from ...api.options import ApiOptions
from ...api.plugins import Credential, Plugin
from ...models import Session


class BearerPlugin(Plugin):
    """The session token as a bearer token, in both directions."""

    name = "bearer"
    needs_stored_sessions = True
    session_headers = {"Set-Auth-Token": "The signed session token, for clients without cookies"}

    def credential(self, request: HttpRequest, options: ApiOptions) -> Credential | None:
        """The token, signed (percent-encoded or not) or bare; wrongly signed counts as none."""
        token = session_token_of(request, options)
        return None if token is None else Credential(token)

    def session_cookie_written(
        self, answer: HttpResponse, session: Session, jar: CookieJar
    ) -> None:
        """The signed token, not percent-encoded, readable for scripts of other origins."""
        answer["Set-Auth-Token"] = jar.signed(session.token)
        expose(answer, "set-auth-token")
