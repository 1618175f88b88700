"""The example project as the recorded Better Auth server was set up, for checks from outside.

``make conformance-server`` serves it on port 8000. Everybody can read its secrets and its mails,
so it is for one's own machine.
"""

from __future__ import annotations

from django import VERSION

from .settings import *  # noqa: F403
from .settings import INSTALLED_APPS, JAZZAUTH, VAR

DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ROOT_URLCONF = "example_project.urls_conformance"
VAR = VAR / "conformance"

# The plugins that are on, in this order: this is the one list of them.
PLUGINS = [
    "django_jazzauth.contrib.bearer",
    "django_jazzauth.contrib.jwt",
    "django_jazzauth.contrib.username",
    "django_jazzauth.contrib.anonymous",
    "django_jazzauth.contrib.one_time_token",
    "django_jazzauth.contrib.last_login_method",
    "django_jazzauth.contrib.open_api",
    "django_jazzauth.contrib.multi_session",
]
INSTALLED_APPS = [*(app for app in INSTALLED_APPS if app not in PLUGINS), *PLUGINS]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": VAR / "conformance.sqlite3",
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    }
}

JAZZAUTH = {
    **JAZZAUTH,
    "BASE_URL": "http://localhost:8000",
    "SECRET": "better-auth-test-secret-0123456789abcdef",
    "TRUSTED_ORIGINS": [
        "http://localhost:3000",
        "https://*.trusted.example",
        "myapp://",
        "http://localhost:3199",
    ],
    "EMAIL_VERIFICATION": {"SEND_ON_SIGN_UP": True, "SIGN_IN_AFTER": True},
    "CHANGE_EMAIL": {"ENABLED": True},
    "DELETE_USER": {"ENABLED": True},
    "RATE_LIMIT": {"ENABLED": False},
    "SOCIAL": {
        "PROVIDERS": {
            "testidp": {
                "CLIENT_ID": "test-client",
                "CLIENT_SECRET": "test-secret",
                "DISCOVERY_URL": "http://localhost:3199/.well-known/openid-configuration",
            }
        }
    },
    # Mails are read at /test-outbox, and sent to nobody.
    "TEST_OUTBOX": True,
    "MAIL_IN_BACKGROUND": False,
}
if "WORKER_SECRET_FILE" in JAZZAUTH:
    JAZZAUTH["WORKER_SECRET_FILE"] = VAR / "worker-secret"

_NOWHERE = "django.core.mail.backends.dummy.EmailBackend"
if VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": _NOWHERE}}
else:
    EMAIL_BACKEND = _NOWHERE
