"""The URLs of django_jazzauth: ``path("api/auth/", include("django_jazzauth.urls"))``."""

from __future__ import annotations

from .api.plugins import installed
from .api.urls import patterns

app_name = "jazzauth"
urlpatterns = patterns(installed())
