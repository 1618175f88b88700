"""What the one-time-token plugin adds to the API."""

from __future__ import annotations

from django.urls import path

from ...api.plugins import Plugin
from .views import GenerateOneTimeTokenView, VerifyOneTimeTokenView


class OneTimeTokenPlugin(Plugin):
    """Tokens that hand a session on, once."""

    name = "one-time-token"
    needs_stored_sessions = True
    urlpatterns = (
        path(
            "one-time-token/generate",
            GenerateOneTimeTokenView.as_view(),
            name="generate-one-time-token",
        ),
        path(
            "one-time-token/verify",
            VerifyOneTimeTokenView.as_view(),
            name="verify-one-time-token",
        ),
    )
