"""Settings with which golden databases are written and opened: no models of other tests."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as _APPS
from tests.settings import JAZZAUTH as _JAZZAUTH

INSTALLED_APPS = [app for app in _APPS if app != "tests.testapp"] + ["tests.golden.app"]
ROOT_URLCONF = "tests.golden.urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("JAZZAUTH_GOLDEN_FILE", ":memory:"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
JAZZAUTH = {
    **_JAZZAUTH,
    "WORKER_SECRET": os.environ.get("JAZZAUTH_GOLDEN_SECRET", ""),
    "RETENTION": {"specimen": 0},
    "TRIGRAM_INDEX": {"user": ("name",)},
}
