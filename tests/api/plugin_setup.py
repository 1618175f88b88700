"""Other plugins than those of the test settings, for one test."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from django.urls import include, path

from django_jazzauth.api.plugins import installed
from django_jazzauth.api.urls import patterns

EVERYTHING = "tests.plugin_app.apps.EverythingConfig"


def install(settings: Any, *plugins: str) -> None:
    """Let these apps be the only plugins, until the test is over.

    Args:
        settings: the fixture of pytest-django, which puts everything back.
        plugins: entries of ``INSTALLED_APPS``.
    """
    others = [
        app
        for app in settings.INSTALLED_APPS
        if not app.startswith(("django_jazzauth.contrib.", "tests.plugin_app."))
    ]
    settings.INSTALLED_APPS = [*others, *plugins]
    # The paths of a URLconf are read once; this one has not been read yet.
    urls = ModuleType("urls_of_one_test")
    api = (patterns(installed()), "jazzauth")
    urls.urlpatterns = [path("api/auth/", include(api))]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = urls
