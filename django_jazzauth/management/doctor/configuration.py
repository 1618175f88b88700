"""The settings, and what Django's own checks say of them."""

from __future__ import annotations

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from ...conf import NAME, get_settings
from ...errors import JazzAuthError
from .findings import Checkup

_ENGINE = "django_jazzauth.sessions"
_BACKEND = "django_jazzauth.backends.EventStoreBackend"


def look_at_settings(checkup: Checkup) -> None:
    """``JAZZAUTH``, the settings that hand users and sessions over to it, and system checks."""
    try:
        current = get_settings()
    except JazzAuthError as error:
        checkup.error("settings.jazzauth", str(error), f"Correct {NAME} in the settings.")
    else:
        checkup.ok("settings.jazzauth", f"{NAME} is in order")
        if current.TAMPERED == "report":
            checkup.warn(
                "settings.tampered",
                "rows that were tampered with are loaded, and only reported",
                f'Set {NAME}["TAMPERED"] = "refuse" once they are mended.',
            )
    _look_at_user_model(checkup)
    _look_at_sessions(checkup)
    if settings.DEBUG:
        checkup.warn(
            "settings.debug", "DEBUG is on", "Set DEBUG = False where others can reach it."
        )
    _run_checks(checkup)


# What the findings of this module say in the doctor's own words.
_SAID_ABOVE = frozenset({"jazzauth.W001", "jazzauth.W002", "jazzauth.W003", "jazzauth.W006"})


def _look_at_user_model(checkup: Checkup) -> None:
    try:
        model = get_user_model()
    except ImproperlyConfigured as error:
        checkup.error("settings.user_model", str(error), "Correct AUTH_USER_MODEL.")
        return
    if getattr(model._meta, "sealed_head", None) is None:
        checkup.warn(
            "settings.user_model",
            f"{model._meta.label} is not event-sourced: users stand in plain text",
            'Set AUTH_USER_MODEL = "django_jazzauth.User", or derive yours from '
            "django_jazzauth.models.AbstractUser.",
        )
        return
    checkup.ok("settings.user_model", f"users are {model._meta.label}, sealed")
    if _BACKEND not in settings.AUTHENTICATION_BACKENDS:
        checkup.warn(
            "settings.backend",
            "the authentication backend takes group membership from plain tables",
            f'Set AUTHENTICATION_BACKENDS = ["{_BACKEND}"].',
        )


def _look_at_sessions(checkup: Checkup) -> None:
    if not any(config.name == "django.contrib.sessions" for config in apps.get_app_configs()) and (
        "django.contrib.sessions.middleware.SessionMiddleware" not in settings.MIDDLEWARE
    ):
        return
    if settings.SESSION_ENGINE == _ENGINE:
        checkup.ok("settings.sessions", "sessions are sealed")
        return
    checkup.warn(
        "settings.sessions",
        f"sessions are kept by {settings.SESSION_ENGINE}: not sealed, not listed, not revocable",
        f'Set SESSION_ENGINE = "{_ENGINE}".',
    )


def _run_checks(checkup: Checkup) -> None:
    try:
        found = [
            message
            for message in checks.run_checks()
            if message.id not in _SAID_ABOVE and not message.is_silenced()
        ]
    except Exception as error:  # checks import the project, and it may raise anything
        checkup.error(
            "checks",
            f"the system checks stopped at {type(error).__name__}: {error}",
            "Mend what `manage.py check` shows.",
        )
        return
    for message in found:
        subject = f"checks.{message.id or 'unnamed'}"
        note = checkup.error if message.is_serious() else checkup.warn
        note(subject, str(message.msg), str(message.hint or "See `manage.py check`."))
    if not found:
        checkup.ok("checks", "Django's system checks find nothing")
