"""The addresses of the example project, and ``/test-outbox`` at the root."""

from __future__ import annotations

from django.urls import path

from django_jazzauth.api.views.outbox import OutboxView

from .urls import urlpatterns as example_patterns

urlpatterns = [path("test-outbox", OutboxView.as_view()), *example_patterns]
