"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig


class LastLoginMethodConfig(AppConfig):
    """``django_jazzauth.contrib.last_login_method`` in ``INSTALLED_APPS``."""

    name = "django_jazzauth.contrib.last_login_method"
    label = "jazzauth_last_login_method"
    verbose_name = "Last login method"
    jazzauth_plugin = "django_jazzauth.contrib.last_login_method.plugin.LastLoginMethodPlugin"
