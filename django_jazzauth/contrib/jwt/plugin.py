"""Adds ``Set-Auth-Jwt`` to ``/get-session``."""

from __future__ import annotations

from django.http import HttpResponse

from ...api.answers import Answers
from ...api.cookies import expose
from ...api.endpoint import Endpoint
from ...api.issuing import token_for, token_for_payload
from ...api.plugins import Plugin
from ...api.views.session import GetSessionView


class JWTPlugin(Plugin):
    """A JWT for whoever ``/get-session`` shows, in a header."""

    name = "jwt"
    answers = {GetSessionView: Answers(headers={"Set-Auth-Jwt": "A JWT, as from `/token`"})}

    def answered(self, endpoint: Endpoint, answer: HttpResponse) -> None:
        """The same token as ``/token`` gives; none for nobody."""
        shown = getattr(answer, "data", None)
        if not isinstance(endpoint, GetSessionView) or not isinstance(shown, dict):
            return
        if "session" not in shown or "user" not in shown:
            return
        if endpoint.shown is not None:
            token: str | None = token_for(endpoint.shown, endpoint.api_options)
        else:
            # Out of the cache cookie, without a query.
            token = token_for_payload(shown["user"], endpoint.api_options)
        if token is not None:
            answer["Set-Auth-Jwt"] = token
            expose(answer, "set-auth-jwt")
