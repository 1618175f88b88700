"""The conformance settings on another port, with marks where people's addresses come from."""

from __future__ import annotations

import json
import os

from example_project.settings_conformance import *  # noqa: F403
from example_project.settings_conformance import DATABASES, INSTALLED_APPS, JAZZAUTH

_provider = f"{os.environ['INTEROP_PROVIDER']}/.well-known/openid-configuration"

JAZZAUTH = {
    **JAZZAUTH,
    "BASE_URL": os.environ["INTEROP_URL"],
    "APP_ID": "interop",
    # A browser's address stands in a header, as behind a proxy, so that it can be a marked one.
    "TRUSTED_PROXIES": ["127.0.0.0/8", "::1"],
    "SOCIAL": {
        "PROVIDERS": {
            "testidp": JAZZAUTH["SOCIAL"]["PROVIDERS"]["testidp"] | {"DISCOVERY_URL": _provider}
        }
    },
    **json.loads(os.environ.get("INTEROP_JAZZAUTH", "{}")),
}
if "INTEROP_POSTGRES" in os.environ:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": "127.0.0.1",
            "USER": "postgres",
            "NAME": os.environ["INTEROP_POSTGRES"],
        }
    }
if JAZZAUTH.get("SESSION", {}).get("STATELESS"):
    # jazzauth.E045: these find sessions by their token alone.
    _STORED = ("bearer", "one_time_token", "multi_session")
    INSTALLED_APPS = [app for app in INSTALLED_APPS if not app.endswith(_STORED)]
