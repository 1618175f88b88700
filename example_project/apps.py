"""The example project as an app, so that ``manage.py demo`` is found."""

from __future__ import annotations

from django.apps import AppConfig


class ExampleProjectConfig(AppConfig):
    """Has commands only."""

    name = "example_project"
