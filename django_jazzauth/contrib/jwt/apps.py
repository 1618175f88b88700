"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig


class JWTConfig(AppConfig):
    """``django_jazzauth.contrib.jwt`` in ``INSTALLED_APPS``."""

    name = "django_jazzauth.contrib.jwt"
    label = "jazzauth_jwt"
    verbose_name = "JWTs"
    jazzauth_plugin = "django_jazzauth.contrib.jwt.plugin.JWTPlugin"
