"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register

from .checks import check_bundle


class OpenApiConfig(AppConfig):
    """``django_jazzauth.contrib.open_api`` in ``INSTALLED_APPS``."""

    name = "django_jazzauth.contrib.open_api"
    label = "jazzauth_open_api"
    verbose_name = "OpenAPI"
    jazzauth_plugin = "django_jazzauth.contrib.open_api.plugin.OpenApiPlugin"

    def ready(self) -> None:
        """Put the endpoints into the project's own document, where the settings say so."""
        # They need the models, which are there only now.
        from ...checks import TAG
        from .inclusion import include_endpoints

        register(check_bundle, TAG)
        include_endpoints()
