"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig


class UsernameConfig(AppConfig):
    """``django_jazzauth.contrib.username`` in ``INSTALLED_APPS``."""

    name = "django_jazzauth.contrib.username"
    label = "jazzauth_username"
    verbose_name = "Usernames"
    jazzauth_plugin = "django_jazzauth.contrib.username.plugin.UsernamePlugin"
