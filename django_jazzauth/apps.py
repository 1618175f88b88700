"""The app's configuration: system checks, SQLite's pragmas, and no service in a broken state."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, register
from django.core.signals import request_started
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate

from .conf import get_settings
from .turns import let_take_turns

_BUSY_TIMEOUT = 20_000
_CHECKPOINT_PAGES = 4_000
_CACHE_KIB = 1_000
_FIRST_REQUEST = "jazzauth.first_request"


class JazzAuthConfig(AppConfig):
    """django_jazzauth in ``INSTALLED_APPS``."""

    name = "django_jazzauth"
    verbose_name = "Accounts (event store)"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the signals and register the checks."""
        from . import checks, revocation, rollback  # they need the models, which are there only now
        from .management.process import process_cause
        from .models import last_login
        from .permissions import make_permissions
        from .sealed import following
        from .store.acting import set_process_cause

        def before_first_request(**kwargs: Any) -> None:
            checks.refuse_to_serve()
            request_started.disconnect(dispatch_uid=_FIRST_REQUEST)

        set_process_cause(process_cause)
        post_migrate.connect(make_permissions, dispatch_uid="jazzauth.permissions")
        checks.register_checks()
        register(check_plugins, checks.TAG)
        register(check_api_settings, checks.TAG)
        revocation.connect()
        rollback.connect()
        last_login.connect()
        pre_migrate.connect(
            following.follow_planned_migrations, sender=self, dispatch_uid="jazzauth.following"
        )
        connection_created.connect(set_pragmas, dispatch_uid="jazzauth.pragmas")
        # A WSGI or ASGI server runs no checks as it starts.
        request_started.connect(before_first_request, weak=False, dispatch_uid=_FIRST_REQUEST)


def check_plugins(**kwargs: Any) -> list[CheckMessage]:
    """See ``api.plugin_checks``."""
    from .api import plugin_checks  # the whole API, which not every command needs

    return plugin_checks.check_plugins()


def check_api_settings(**kwargs: Any) -> list[CheckMessage]:
    """See ``api.setting_checks``."""
    from .api import setting_checks  # likewise

    return setting_checks.check_api_settings()


def set_pragmas(sender: Any, connection: Any, **kwargs: Any) -> None:
    """Make a new SQLite connection durable and patient; others are left alone.

    In WAL mode an acknowledged commit survives the death of the process; with
    ``JAZZAUTH["SQLITE_SYNCHRONOUS"] = "FULL"`` it survives the loss of power too.
    ``OPTIONS["timeout"]`` of the project stays; without one, writers wait 20 seconds for each
    other instead of Python's five. The write-ahead log is copied into the database every 4,000
    pages (16 MB) instead of every 1,000: the same pages are written again and again, and an event
    and its row are several. SQLite's cache of pages is 1 MB instead of 2: each thread has one, and
    whatever another thread writes empties it. An ``init_command`` of the project's that names
    either stays.
    """
    if connection.vendor != "sqlite":
        return
    options = connection.settings_dict["OPTIONS"]
    own = options.get("init_command") or ""
    with connection.cursor() as cursor:
        if "timeout" not in options:
            cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT}")
        if not connection.is_in_memory_db():
            let_take_turns(connection)
            cursor.execute("PRAGMA journal_mode = WAL")
            if "wal_autocheckpoint" not in own:
                cursor.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            if "cache_size" not in own:
                cursor.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        cursor.execute(f"PRAGMA synchronous = {get_settings().SQLITE_SYNCHRONOUS}")
