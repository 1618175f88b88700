"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig


class BearerConfig(AppConfig):
    """``django_jazzauth.contrib.bearer`` in ``INSTALLED_APPS``."""

    name = "django_jazzauth.contrib.bearer"
    label = "jazzauth_bearer"
    verbose_name = "Bearer tokens"
    jazzauth_plugin = "django_jazzauth.contrib.bearer.plugin.BearerPlugin"
