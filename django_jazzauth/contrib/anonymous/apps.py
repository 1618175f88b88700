"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig


class AnonymousConfig(AppConfig):
    """``django_jazzauth.contrib.anonymous`` in ``INSTALLED_APPS``."""

    name = "django_jazzauth.contrib.anonymous"
    label = "jazzauth_anonymous"
    verbose_name = "Guests"
    jazzauth_plugin = "django_jazzauth.contrib.anonymous.plugin.AnonymousPlugin"
