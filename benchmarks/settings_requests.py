"""Django settings of ``python -m benchmarks.requests_cpu``: a site as it runs in production."""

from __future__ import annotations

import os

from benchmarks import production
from benchmarks.settings import *  # noqa: F403 - a settings module built on another
from benchmarks.settings import DATABASES, INSTALLED_APPS, JAZZAUTH

ALLOWED_HOSTS = ["bench.example.org"]
ROOT_URLCONF = "benchmarks.urls_requests"
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django_jazzauth.contrib.bearer",
    *(["django_jazzauth.contrib.jwt"] if os.environ.get("JAZZAUTH_BENCH_JWT") else []),
]
MIDDLEWARE = {
    "usual": production.MIDDLEWARE,
    "api": ["django_jazzauth.api.middleware.ApiMiddleware"],
    "none": [],
}[os.environ.get("JAZZAUTH_BENCH_MIDDLEWARE", "usual")]

# Nothing is refused here, but counted: a million requests come from one address.
_MANY = 1_000_000_000
JAZZAUTH = JAZZAUTH | {
    "BASE_URL": "https://bench.example.org",
    "RATE_LIMIT": {
        "MAX": _MANY,
        "RULES": {path: {"WINDOW": 10, "MAX": _MANY} for path in ("/sign-in/*", "/sign-up/*")},
    },
}
DATABASES["default"]["CONN_MAX_AGE"] = None
