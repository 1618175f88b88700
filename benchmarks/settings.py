"""Django settings of the worker processes: everything is equal but what is compared."""

from __future__ import annotations

import os
from typing import Any

from benchmarks.production import TEMPLATES as TEMPLATES
from benchmarks.sides import OURS, SQLITE, this_database, this_engine, this_secret, this_side

SECRET_KEY = "only for benchmarks, which sign nothing that anybody else accepts"
DEBUG = False
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",  # its tables, without its pages
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
]

# The admin counts: its log refers to users, so deleting one looks there.
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

if this_side() == OURS:
    INSTALLED_APPS += ["rest_framework", "django_jazzauth"]
    AUTH_USER_MODEL = "django_jazzauth.User"
    SESSION_ENGINE = "django_jazzauth.sessions"
    AUTHENTICATION_BACKENDS = ["django_jazzauth.backends.EventStoreBackend"]
    JAZZAUTH = {"WORKER_SECRET": this_secret(), "SQLITE_SYNCHRONOUS": "NORMAL"}
else:
    INSTALLED_APPS += ["django.contrib.sessions", "benchmarks.app"]
    AUTH_USER_MODEL = "benchmarks_app.StockUser"
    SESSION_ENGINE = "django.contrib.sessions.backends.db"
    AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]

# Hashing a password is meant to be slow and costs both sides the same: it is kept out.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def _database() -> dict[str, Any]:
    if this_engine() == SQLITE:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": this_database(),
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": this_database(),
        "HOST": os.environ.get("PGHOST", "127.0.0.1"),
        "PORT": os.environ.get("PGPORT", "5432"),
        "USER": os.environ.get("PGUSER", "postgres"),
        "PASSWORD": os.environ.get("PGPASSWORD", ""),
    }


DATABASES = {"default": _database()}
