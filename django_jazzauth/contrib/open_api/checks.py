"""System checks of the plugin.

``jazzauth.W041``  the reference page has no Swagger UI to show itself with.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Warning

from ...conf import get_settings
from ...errors import ImproperSettings

BUNDLE = "drf_spectacular_sidecar"
"""The app that brings Swagger UI along, so that nothing is loaded from elsewhere."""


def check_bundle(**kwargs: Any) -> list[CheckMessage]:
    """``jazzauth.W041``."""
    try:
        wanted = get_settings().OPEN_API.REFERENCE
    except ImproperSettings:
        return []  # jazzauth.E001
    if not wanted or apps.is_installed(BUNDLE):
        return []
    return [
        Warning(
            "/reference is not served: there is no Swagger UI.",
            hint=f"Add {BUNDLE} to INSTALLED_APPS, or set OPEN_API's REFERENCE to False.",
            id="jazzauth.W041",
        )
    ]
