"""Our user and session models in the place of Django's own."""

from __future__ import annotations

from pathlib import Path

from .editing import replace

_USER = '''class User(AbstractUser):
    """
    Users within the Django authentication system are represented by this
    model.

    Username and password are required. Other fields are optional.
    """
'''

_SEALED_USER = '''class User(EventSourcedModel, AbstractUser):
    """
    Users within the Django authentication system are represented by this
    model.

    Username and password are required. Other fields are optional.
    """

    head = HeadField(entity="user")
    password = SealedCharField(_("password"), max_length=128)
    username = SealedCharField(
        _("username"),
        max_length=150,
        unique=True,
        searchable=True,
        help_text=_(
            "Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only."
        ),
        validators=[AbstractUser.username_validator],
        error_messages={
            "unique": _("A user with that username already exists."),
        },
    )
    first_name = SealedCharField(_("first name"), max_length=150, blank=True)
    last_name = SealedCharField(_("last name"), max_length=150, blank=True)
    email = SealedEmailField(
        _("email address"), blank=True, searchable=True, casefold=True
    )
'''

_USER_IMPORT = """from django_jazzauth.sealed import (
    EventSourcedModel,
    HeadField,
    SealedCharField,
    SealedEmailField,
)

from .validators import UnicodeUsernameValidator
"""

_SESSION_MODELS = """from django.apps import apps
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager

if apps.is_installed("django_jazzauth"):
    from django_jazzauth.models import Session
    from django_jazzauth.models.session import SessionManager
else:
    from django.contrib.sessions.stock_models import Session, SessionManager
"""

_SESSION_BACKEND = """

_StockSessionStore = SessionStore
del SessionStore


def __getattr__(name):
    # Ours derives from the stock class, and imports it from here.
    if name != "SessionStore":
        raise AttributeError(name)
    import importlib

    ours = importlib.import_module("django_jazzauth.sessions")
    return getattr(ours, "SessionStore", _StockSessionStore)
"""


def seal_user(django: Path) -> None:
    """``auth.User`` under its own label and with its integer key, sealed and event-sourced."""
    models = django / "contrib" / "auth" / "models.py"
    replace(models, _USER, _SEALED_USER)
    replace(models, "from .validators import UnicodeUsernameValidator\n", _USER_IMPORT)


def replace_sessions(django: Path) -> None:
    """``Session`` and the ``SessionStore`` of the database engine become ours.

    Small projects that some tests write and start by themselves do not have our app installed;
    there the stock model stays.
    """
    sessions = django / "contrib" / "sessions"
    (sessions / "models.py").rename(sessions / "stock_models.py")
    (sessions / "models.py").write_text(_SESSION_MODELS, encoding="utf-8")
    with (sessions / "backends" / "db.py").open("a", encoding="utf-8") as backend:
        backend.write(_SESSION_BACKEND)
