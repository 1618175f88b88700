"""The app of the golden databases."""

from __future__ import annotations

from django.apps import AppConfig


class GoldenConfig(AppConfig):
    """Its label is short, and stays."""

    name = "tests.golden.app"
    label = "golden"
    default_auto_field = "django.db.models.BigAutoField"
