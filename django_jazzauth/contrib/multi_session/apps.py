"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig


class MultiSessionConfig(AppConfig):
    """``django_jazzauth.contrib.multi_session`` in ``INSTALLED_APPS``."""

    name = "django_jazzauth.contrib.multi_session"
    label = "jazzauth_multi_session"
    verbose_name = "Several sessions in one browser"
    jazzauth_plugin = "django_jazzauth.contrib.multi_session.plugin.MultiSessionPlugin"
