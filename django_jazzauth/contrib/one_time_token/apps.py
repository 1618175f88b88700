"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig


class OneTimeTokenConfig(AppConfig):
    """``django_jazzauth.contrib.one_time_token`` in ``INSTALLED_APPS``."""

    name = "django_jazzauth.contrib.one_time_token"
    label = "jazzauth_one_time_token"
    verbose_name = "One-time tokens"
    jazzauth_plugin = "django_jazzauth.contrib.one_time_token.plugin.OneTimeTokenPlugin"
