"""Settings of the test suite.

``JAZZAUTH_TEST_DB`` chooses the database: ``sqlite`` (a file, see ``JAZZAUTH_TEST_SQLITE_FILE``),
``postgres`` or ``mariadb`` on the loopback (``JAZZAUTH_TEST_DB_NAME`` names the database).
``JAZZAUTH_TEST_POOL=1`` gives PostgreSQL a pool of connections.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from django_jazzauth.keys.secret import WorkerSecret

SECRET_KEY = "a key that only the tests use, and long enough for Django"
DEBUG = False
USE_TZ = True
ALLOWED_HOSTS = ["*"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
ROOT_URLCONF = "tests.urls"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_jazzauth",
    "django_jazzauth.contrib.bearer",
    "django_jazzauth.contrib.jwt",
    "django_jazzauth.contrib.username",
    "django_jazzauth.contrib.anonymous",
    "django_jazzauth.contrib.one_time_token",
    "django_jazzauth.contrib.last_login_method",
    "django_jazzauth.contrib.multi_session",
    "django_jazzauth.contrib.open_api",
    "drf_spectacular_sidecar",
    "tests.testapp",
]
MIDDLEWARE = [
    "django_jazzauth.middleware.ActingMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Django 6.1's name for EMAIL_BACKEND, which it warns about; older ones do not know it.
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}

AUTH_USER_MODEL = "django_jazzauth.User"
SESSION_ENGINE = "django_jazzauth.sessions"
AUTHENTICATION_BACKENDS = ["django_jazzauth.backends.EventStoreBackend"]
# Fast on purpose; the real hashers have tests of their own.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "django_jazzauth.hashers.Argon2idPasswordHasher",
    "django_jazzauth.hashers.BetterAuthScryptHasher",
]
# The fast one hashes where it is asked, which is what this warns of.
SILENCED_SYSTEM_CHECKS = ["jazzauth.W055"]

JAZZAUTH: dict[str, Any] = {
    # Processes that a test starts must open what the test wrote.
    "WORKER_SECRET": os.environ.setdefault(
        "JAZZAUTH_TEST_WORKER_SECRET", WorkerSecret.generate().to_text()
    ),
    "BASE_URL": "http://localhost:3100",
    # Tests sign in more often than anybody else; the limits have tests of their own.
    "RATE_LIMIT": {"ENABLED": False},
    "MAIL_IN_BACKGROUND": False,
    # Asking for it now and then would make counts of statements depend on the time.
    "KEYS_MAX_AGE": float(os.environ.get("JAZZAUTH_TEST_KEYS_MAX_AGE", "86400")),
}

_ENGINE = os.environ.get("JAZZAUTH_TEST_DB", "sqlite")


def _sqlite() -> dict[str, Any]:
    """A file, as in production: an in-memory database knows neither WAL nor a second thread."""
    # The processes that a test run starts use the same file.
    file = os.environ.setdefault(
        "JAZZAUTH_TEST_SQLITE_FILE",
        os.path.join(tempfile.gettempdir(), f"jazzauth-test-{os.getpid()}.sqlite3"),
    )
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": file,
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30},
        "TEST": {"NAME": file},
    }


def _server(engine: str, user: str) -> dict[str, Any]:
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "HOST": "127.0.0.1",
        "NAME": os.environ.get("JAZZAUTH_TEST_DB_NAME", "jazzauth"),
        "USER": user,
    }


if _ENGINE == "sqlite":
    DATABASES = {"default": _sqlite()}
elif _ENGINE == "postgres":
    DATABASES = {"default": _server("postgresql", "postgres")}
    if os.environ.get("JAZZAUTH_TEST_POOL"):
        # Small, so that a connection that is not given back is missed.
        DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 8, "timeout": 20}}
elif _ENGINE == "mariadb":
    import pymysql

    # PyMySQL stands in for mysqlclient, whose version Django asks for.
    pymysql.version_info = (2, 2, 8, "final", 1)
    pymysql.install_as_MySQLdb()
    DATABASES = {"default": _server("mysql", "root") | {"TEST": {"CHARSET": "utf8mb4"}}}
else:
    raise ImproperlyConfigured(
        f"JAZZAUTH_TEST_DB is {_ENGINE!r}; it can be sqlite, postgres or mariadb."
    )
