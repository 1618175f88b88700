"""Serves the API's OpenAPI document, and a page that shows it."""

from __future__ import annotations

from django.urls import path

from ...api.plugins import Plugin
from .views import GenerateSchemaView, ReferenceView


class OpenApiPlugin(Plugin):
    """``/open-api/generate-schema`` and ``/reference``."""

    name = "open-api"
    urlpatterns = (
        path("open-api/generate-schema", GenerateSchemaView.as_view(), name="open-api"),
        path("reference", ReferenceView.as_view(), name="reference"),
    )
