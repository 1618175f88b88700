"""The app's configuration: database pragmas and system checks."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from .conf import get_settings


class JazzAuthConfig(AppConfig):
    """django_jazzauth in ``INSTALLED_APPS``."""

    name = "django_jazzauth"
    verbose_name = "Accounts (event store)"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        connection_created.connect(_set_pragmas, dispatch_uid="jazzauth_pragmas")


def _set_pragmas(sender: Any, connection: Any, **kwargs: Any) -> None:
    """Make SQLite durable and patient.

    In WAL mode an acknowledged commit survives the death of the process; with
    ``JAZZAUTH["SQLITE_SYNCHRONOUS"] = "FULL"`` it survives the loss of power too.
    """
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        if not connection.is_in_memory_db():
            cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA synchronous = {get_settings().SQLITE_SYNCHRONOUS}")
        cursor.execute("PRAGMA busy_timeout = 30000")
