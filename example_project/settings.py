"""Settings of the example project: what a project adds to use django_jazzauth, with reasons.

Everything it writes goes to ``var/`` (or to the directory that ``JAZZAUTH_DEMO_DIR`` names).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("JAZZAUTH_DEMO_DIR") or BASE_DIR / "var")

# Good enough on one's own machine. With DJANGO_DEBUG=0 a key of your own is needed: the system
# check jazzauth.E003 refuses one that begins with "django-insecure-".
DEBUG = os.environ.get("DJANGO_DEBUG", "1") == "1"
SECRET_KEY = os.environ.get(
    "DJANGO_SECRET_KEY", "django-insecure-this-is-shown-to-everybody-who-looks"
)
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]

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
    "django_jazzauth.contrib.username",
    "django_jazzauth.contrib.anonymous",
    "django_jazzauth.contrib.one_time_token",
    "django_jazzauth.contrib.last_login_method",
    "django_jazzauth.contrib.multi_session",
    "django_jazzauth.contrib.open_api",
    "drf_spectacular_sidecar",
    "example_project.apps.ExampleProjectConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django_jazzauth.api.middleware.ApiMiddleware",
    "django_jazzauth.middleware.ActingMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"

# django_jazzauth sets WAL mode and the durability on each connection. IMMEDIATE lets writers queue
# up where SQLite would otherwise refuse the second one with "database is locked".
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": VAR / "demo.sqlite3",
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# These lines hand users and sessions over to the event store.
AUTH_USER_MODEL = "django_jazzauth.User"
SESSION_ENGINE = "django_jazzauth.sessions"
AUTHENTICATION_BACKENDS = ["django_jazzauth.backends.EventStoreBackend"]
PASSWORD_HASHERS = ["django_jazzauth.hashers.Argon2idPasswordHasher"]

JAZZAUTH: dict[str, Any] = {
    "APP_ID": "jazzauth-example",
    "APP_NAME": "JazzAuth example",
    # Its servers have threads to spare.
    "HASHING": {"THREADS": 1, "QUEUE": 16},
}
# The one secret that opens the database, outside of it. `make demo` makes this file; in production
# give it in the environment, or as a file that only the server reads.
if "JAZZAUTH_WORKER_SECRET" not in os.environ:
    JAZZAUTH["WORKER_SECRET_FILE"] = VAR / "worker-secret"

TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
