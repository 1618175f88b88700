"""The URLs of django_jazzauth: ``path("api/auth/", include("django_jazzauth.urls"))``."""

from __future__ import annotations

from .api import urls as api_urls

app_name = "jazzauth"
urlpatterns = api_urls.urlpatterns
