from __future__ import annotations

from django.apps import AppConfig


class EverythingConfig(AppConfig):
    name = "tests.plugin_app"
    label = "plugin_app"
    jazzauth_plugin = "tests.plugin_app.plugin.EverythingPlugin"


class MissingConfig(AppConfig):
    name = "tests.plugin_app"
    label = "plugin_app_missing"
    jazzauth_plugin = "tests.plugin_app.plugin.NotThere"


class WrongConfig(AppConfig):
    name = "tests.plugin_app"
    label = "plugin_app_wrong"
    jazzauth_plugin = "tests.plugin_app.plugin.wave"
