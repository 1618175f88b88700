"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register

from .checks import check_issuer


class JWTConfig(AppConfig):
    """``django_jazzauth.contrib.jwt`` in ``INSTALLED_APPS``."""

    name = "django_jazzauth.contrib.jwt"
    label = "jazzauth_jwt"
    verbose_name = "JWTs"
    jazzauth_plugin = "django_jazzauth.contrib.jwt.plugin.JWTPlugin"

    def ready(self) -> None:
        """Register the check."""
        register(check_issuer, "jazzauth")
