"""The system check of the jwt plugin.

``jazzauth.W040``  the issuer of JWTs is whatever host a request names, with ``DEBUG = False``.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning

from ...conf import get_settings
from ...errors import ImproperSettings


def check_issuer(**kwargs: Any) -> list[CheckMessage]:
    """``jazzauth.W040``."""
    try:
        current = get_settings()
    except ImproperSettings:
        return []  # jazzauth.E001 says it
    named = current.BASE_URL or (current.JWT.ISSUER and current.JWT.AUDIENCE)
    if settings.DEBUG or named:
        return []
    return [
        Warning(
            "JWTs have the host of the request as issuer and audience: what one of ALLOWED_HOSTS "
            "gives out, a verifier that expects another refuses.",
            hint='Set JAZZAUTH["BASE_URL"], or ISSUER and AUDIENCE in JAZZAUTH["JWT"].',
            id="jazzauth.W040",
        )
    ]
