"""Django settings of the measured server: those of a project in production, without rate limits.

The only thing that no project may have is the hasher of ``--hash cheap``: it leaves the passwords
almost unhashed, so that what else a sign-in costs can be seen.
"""

from __future__ import annotations

import os

from benchmarks.http.environment import (
    ADDRESS,
    CHEAP,
    DATABASE,
    HASH,
    MEMO,
    POSTGRES,
    QUEUE,
    SECRET,
)
from benchmarks.http.environment import ENGINE as _ENGINE
from benchmarks.production import MIDDLEWARE as MIDDLEWARE
from benchmarks.production import TEMPLATES as TEMPLATES

DEBUG = False
SECRET_KEY = "only for benchmarks, which sign nothing that anybody else accepts"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "benchmarks.http.urls"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_jazzauth",
    "django_jazzauth.contrib.bearer",
    "django_jazzauth.contrib.jwt",
]

AUTH_USER_MODEL = "django_jazzauth.User"
SESSION_ENGINE = "django_jazzauth.sessions"
AUTHENTICATION_BACKENDS = ["django_jazzauth.backends.EventStoreBackend"]

# The people in the database have either kind of hash; the first is what new passwords get.
_REAL_HASHER = "django_jazzauth.hashers.Argon2idPasswordHasher"
_CHEAP_HASHER = "django.contrib.auth.hashers.MD5PasswordHasher"
PASSWORD_HASHERS = [_REAL_HASHER, _CHEAP_HASHER]
if os.environ.get(HASH) == CHEAP:
    PASSWORD_HASHERS.reverse()

_SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": os.environ.get(DATABASE, ":memory:"),
    "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    "CONN_MAX_AGE": None,
}
_POSTGRES = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": os.environ.get(DATABASE, ""),
    "HOST": os.environ.get("PGHOST", "127.0.0.1"),
    "PORT": os.environ.get("PGPORT", "5432"),
    "USER": os.environ.get("PGUSER", "postgres"),
    "PASSWORD": os.environ.get("PGPASSWORD", ""),
    "CONN_MAX_AGE": None,
}
DATABASES = {"default": _POSTGRES if os.environ.get(_ENGINE) == POSTGRES else _SQLITE}

JAZZAUTH = {
    "WORKER_SECRET": os.environ.get(SECRET),
    "BASE_URL": os.environ.get(ADDRESS, "http://127.0.0.1:8000"),
    "APP_ID": "jazzauth-bench",
    "SECRET": "only for benchmarks: signs the cookies of people who do not exist",
    # One client asks for everything.
    "RATE_LIMIT": {"ENABLED": False},
    # A run may take longer than the quarter of an hour that tokens live otherwise.
    "JWT": {"LIFETIME": 86_400},
    "MAIL_IN_BACKGROUND": False,
}
if QUEUE in os.environ:
    JAZZAUTH["HASHING"] = {"QUEUE": int(os.environ[QUEUE])}
if MEMO in os.environ:
    JAZZAUTH["MEMO_SIZE"] = int(os.environ[MEMO])
