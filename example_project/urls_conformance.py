"""The addresses of the example project, ``/test-outbox`` at the root, and the static files."""

from __future__ import annotations

from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import path

from django_jazzauth.api.views.outbox import OutboxView

from .urls import urlpatterns as example_patterns

urlpatterns = [
    path("test-outbox", OutboxView.as_view()),
    *example_patterns,
    *staticfiles_urlpatterns(),  # a WSGI server has nobody else to serve them
]
