"""What the multi-session plugin adds to the API."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path

from ...api.cookies import CookieJar
from ...api.plugins import Plugin
from ...api.session_state import close_session
from ...conf import get_settings
from ...models import Session
from .device import Device
from .views import ListDeviceSessionsView, RevokeView, SetActiveView


class MultiSessionPlugin(Plugin):
    """A cookie for every account that signed in in a browser."""

    name = "multi-session"
    needs_stored_sessions = True
    urlpatterns = (
        path(
            "multi-session/list-device-sessions",
            ListDeviceSessionsView.as_view(),
            name="list-device-sessions",
        ),
        path("multi-session/set-active", SetActiveView.as_view(), name="set-active-session"),
        path("multi-session/revoke", RevokeView.as_view(), name="revoke-device-session"),
    )
    messages = {"INVALID_SESSION_TOKEN": "Invalid session token"}

    def session_cookie_written(
        self, answer: HttpResponse, session: Session, jar: CookieJar
    ) -> None:
        """A cookie of its own for the session, where the browser has none yet."""
        most = get_settings().MULTI_SESSION.MAXIMUM_SESSIONS
        Device(jar).remember(answer, session, most=most)

    def after_sign_out(self, answer: HttpResponse, jar: CookieJar) -> None:
        """All accounts of the browser are signed out."""
        device = Device(jar)
        for token in device.tokens():
            close_session(token)
            device.forget(answer, token)
