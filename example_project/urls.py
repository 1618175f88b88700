"""Where things are: the page, the API, and Django's admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from .events import OwnEventsView
from .page import IdentityPage

urlpatterns = [
    path("", IdentityPage.as_view(), name="page"),
    path("events", OwnEventsView.as_view(), name="events"),
    path("admin/", admin.site.urls),
    path("api/auth/", include("django_jazzauth.urls")),
]
