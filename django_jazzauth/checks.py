"""System checks: what is wrong with a project's settings, with stable ids and what to do about it.

``jazzauth.E001``  ``JAZZAUTH`` has an unknown key or a value of the wrong kind.
``jazzauth.E002``  no worker secret, or no reading it, with ``DEBUG = False``.
``jazzauth.E003``  the secret key is the one that ``startproject`` wrote, with ``DEBUG = False``.
``jazzauth.E004``  the worker secret was mistyped or cut short.
``jazzauth.E005``  the worker secret does not open the database (``migrate``, ``check --database``).
``jazzauth.E006``  the database was rolled back behind a checkpoint (``check --database``).
``jazzauth.E007``  ``RETENTION`` names an entity that no model has.
``jazzauth.E008``  ``TRIGRAM_INDEX`` names what is no sealed text.
``jazzauth.E009``  a router reads what decides about access from another database than it writes.
``jazzauth.W001``  ``AUTH_USER_MODEL`` is not event-sourced.
``jazzauth.W002``  sessions are not kept in the event store.
``jazzauth.W003``  ``EventStoreBackend`` is missing.
``jazzauth.W004``  SQLite transactions begin as readers.
``jazzauth.W005``  the same, with ``DEBUG = True``.
``jazzauth.W006``  rows that were tampered with are loaded, with ``DEBUG = False``.
``jazzauth.W010``  the key provider has no ``mac``: its worker cannot tell a genuine epoch.

The models and fields add ``jazzauth.E020`` and up; see ``sealed``. The relay adds ``E060`` and up.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections, router

from . import rollback
from .conf import NAME, ImproperJazzAuthSettings, get_settings
from .errors import ImproperSecret, ImproperSettings, JazzAuthError
from .keys.anchor import can_anchor
from .keys.loading import load_keys
from .keys.models import Epoch
from .keys.source import ENV_FILE, ENV_SECRET, key_provider
from .relay_checks import check_relay
from .routers import decides_access
from .sealed.planned import check_planned_migrations
from .store import trigram_tokens
from .store.compaction import unknown_entities

TAG = "jazzauth"

_BACKEND = "django_jazzauth.backends.EventStoreBackend"
_SESSION_ENGINE = "django_jazzauth.sessions"
_SESSION_MIDDLEWARE = "django.contrib.sessions.middleware.SessionMiddleware"
# What startproject begins a key with; Django's own security.W009 knows it by this, too.
_INSECURE_PREFIX = "django-insecure-"
_WRITERS_FIRST = frozenset({"IMMEDIATE", "EXCLUSIVE"})

_HINT_SECRET = (
    f"Run `manage.py jazzauth init`, then set {ENV_SECRET} or {ENV_FILE} in the environment, or "
    f'{NAME}["WORKER_SECRET_FILE"].'
)


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """``jazzauth.E001``, and ``W006``."""
    try:
        current = get_settings()
    except ImproperSettings as error:
        return [Error(str(error), hint=f"Correct {NAME} in the settings.", id="jazzauth.E001")]
    if current.TAMPERED == "report" and not settings.DEBUG:
        return [
            Warning(
                "Rows that were tampered with are loaded, and only reported.",
                hint=f'Set {NAME}["TAMPERED"] = "refuse" once they are mended.',
                id="jazzauth.W006",
            )
        ]
    return []


def check_retention(**kwargs: Any) -> list[CheckMessage]:
    """``jazzauth.E007``."""
    try:
        complaint = unknown_entities()
    except ImproperSettings:
        return []  # E001 says it
    if complaint is None:
        return []
    hint = "Name the entity as the model's HeadField does."
    return [Error(complaint, hint=hint, id="jazzauth.E007")]


def check_trigram_index(**kwargs: Any) -> list[CheckMessage]:
    """``jazzauth.E008``."""
    try:
        complaint = trigram_tokens.complaint()
    except ImproperSettings:
        return []  # E001 says it
    if complaint is None:
        return []
    hint = "Name the entity as the model's HeadField does, and fields as the model does."
    return [Error(complaint, hint=hint, id="jazzauth.E008")]


def check_worker_secret(**kwargs: Any) -> list[CheckMessage]:
    """``jazzauth.E002``, ``E004``, and ``W005``."""
    if any(message.id == "jazzauth.E001" for message in check_settings()):
        return []
    try:
        key_provider()
    except ImproperSecret as error:
        return [Error(str(error), hint=_HINT_SECRET, id="jazzauth.E004")]
    except ImproperSettings as error:
        if settings.DEBUG:
            return [Warning(str(error), hint=_HINT_SECRET, id="jazzauth.W005")]
        return [Error(str(error), hint=_HINT_SECRET, id="jazzauth.E002")]
    return []


def check_anchors(**kwargs: Any) -> list[CheckMessage]:
    """``jazzauth.W010``."""
    try:
        if can_anchor(key_provider()):
            return []
    except (ImproperSecret, ImproperSettings):
        return []  # E001, E002 or E004 says it
    return [
        Warning(
            f'{NAME}["KEY_PROVIDER"] names a class without `mac`: a process that starts cannot '
            "tell a genuine epoch from one that somebody wrote into the database.",
            hint="Give it a method mac(data: bytes) -> bytes with a key that nobody else has.",
            id="jazzauth.W010",
        )
    ]


def check_secret_key(**kwargs: Any) -> list[CheckMessage]:
    """``jazzauth.E003``."""
    # `manage.py test` switches DEBUG off before it checks.
    testing = sys.argv[1:2] == ["test"]
    if settings.DEBUG or testing or not str(settings.SECRET_KEY).startswith(_INSECURE_PREFIX):
        return []
    return [
        Error(
            f'SECRET_KEY begins with "{_INSECURE_PREFIX}": it was made for development and has '
            "probably been published.",
            hint="Give the server a long random SECRET_KEY of its own, from the environment.",
            id="jazzauth.E003",
        )
    ]


def check_routing(**kwargs: Any) -> list[CheckMessage]:
    """``jazzauth.E009``."""
    lagging = [
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        if decides_access(model) and router.db_for_read(model) != router.db_for_write(model)
    ]
    if not lagging:
        return []
    return [
        Error(
            "A database router reads what decides about access from another database than it is "
            f"written to: {', '.join(sorted(lagging))}. A session that was revoked would be "
            "honoured until the replica has caught up.",
            hint='Put "django_jazzauth.routers.PrimaryRouter" first into DATABASE_ROUTERS.',
            id="jazzauth.E009",
        )
    ]


def check_user_model(**kwargs: Any) -> list[CheckMessage]:
    """``jazzauth.W001`` and ``W003``."""
    try:
        model = get_user_model()
    except ImproperlyConfigured:
        return []  # Django says it
    if getattr(model._meta, "sealed_head", None) is None:
        return [
            Warning(
                f"{model._meta.label} is not event-sourced: users stand readable in the database.",
                hint='Set AUTH_USER_MODEL = "django_jazzauth.User", or derive the model from '
                "django_jazzauth.models.AbstractUser.",
                id="jazzauth.W001",
            )
        ]
    if _BACKEND in settings.AUTHENTICATION_BACKENDS:
        return []
    return [
        Warning(
            "Permissions come from plain tables: a row added to them by SQL would grant some.",
            hint=f'Set AUTHENTICATION_BACKENDS = ["{_BACKEND}"].',
            id="jazzauth.W003",
        )
    ]


def check_sessions(**kwargs: Any) -> list[CheckMessage]:
    """``jazzauth.W002``."""
    used = _SESSION_MIDDLEWARE in settings.MIDDLEWARE or apps.is_installed(
        "django.contrib.sessions"
    )
    if not used or settings.SESSION_ENGINE == _SESSION_ENGINE:
        return []
    return [
        Warning(
            f"Sessions are kept by {settings.SESSION_ENGINE}: not sealed, not listed, and not "
            "revoked with the user's others.",
            hint=f'Set SESSION_ENGINE = "{_SESSION_ENGINE}".',
            id="jazzauth.W002",
        )
    ]


def check_sqlite(**kwargs: Any) -> list[CheckMessage]:
    """``jazzauth.W004``, from the settings alone: nothing is connected."""
    return [
        Warning(
            f'Transactions of the database "{alias}" begin as readers, so that a second writer '
            "can fail with “database is locked”.",
            hint=f'Set DATABASES["{alias}"]["OPTIONS"]["transaction_mode"] = "IMMEDIATE".',
            id="jazzauth.W004",
        )
        for alias in connections
        if connections[alias].vendor == "sqlite"
        and str(connections[alias].settings_dict["OPTIONS"].get("transaction_mode")).upper()
        not in _WRITERS_FIRST
    ]


def check_keys(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """``jazzauth.E005``. Reads the tables of the keys; a database without them is none of ours."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        try:
            if Epoch._meta.db_table in connections[alias].introspection.table_names():
                load_keys(alias, key_provider())
        except DatabaseError:
            continue  # tables from before a migration: `migrate` is what runs this check
        except (ImproperSecret, ImproperSettings):
            break  # E001, E002 or E004 says it
        except JazzAuthError as error:
            found.append(
                Error(
                    f'Database "{alias}": {error} [{error.code}]',
                    hint="`manage.py jazzauth doctor` says more.",
                    id="jazzauth.E005",
                )
            )
    return found


def check_rollback(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """``jazzauth.E006``. A few look-ups, and only where a checkpoint is kept outside."""
    alias = rollback.database()
    if alias not in (databases or ()) or check_keys([alias]):
        return []  # where the keys do not open, E005 says it: nothing is known of a rollback
    try:
        rollback.look()
    except (DatabaseError, ImproperSecret, ImproperSettings):
        return []  # tables from before a migration, or E001, E002 or E004 says it
    except JazzAuthError as error:
        return [
            Error(
                f"{error} [{error.code}]",
                hint="Restore a newer backup. To go on with this one, and without all sessions and "
                f'JWTs from before: {NAME}["CHECKPOINT"]["ON_ROLLBACK"] = "new-generation".',
                id="jazzauth.E006",
            )
        ]
    return []


_EVERYWHERE: Iterable[Callable[..., list[CheckMessage]]] = (
    check_settings,
    check_retention,
    check_trigram_index,
    check_worker_secret,
    check_anchors,
    check_secret_key,
    check_user_model,
    check_sessions,
    check_sqlite,
    check_relay,
    check_routing,
)


def register_checks() -> None:
    """Tell Django about them; called once the apps are ready."""
    for check in _EVERYWHERE:
        register(check, TAG)
    register(check_keys, TAG, Tags.database)
    register(check_planned_migrations, TAG, Tags.database)
    register(check_rollback, TAG, Tags.database)


def refuse_to_serve(**kwargs: Any) -> None:
    """Refuse requests in a state in which a server must not run.

    What the settings lack is passed over with ``DEBUG = True``; a rollback never is.

    Raises:
        ImproperSettings: the text names every error, as the checks do. A server that was started
            without them (WSGI, ASGI) says so at its first request.
        RolledBack, NoteError: the database does not contain what the checkpoint outside of it says.
    """
    if not settings.DEBUG:
        errors = [
            *check_settings(),
            *check_worker_secret(),
            *check_secret_key(),
            *check_routing(),
        ]
        texts = [f"{error.msg} ({error.id})" for error in errors if error.is_serious()]
        if texts:
            raise ImproperJazzAuthSettings("Requests are refused: " + " ".join(texts))
    rollback.look(begin=True)
