"""What a token says: the payload, and the registered claims around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.module_loading import import_string

from ..conf import get_settings
from .presets import JAZZ, jazz_claims

Payload = Callable[[Any, Any], Mapping[str, Any]]
"""A function ``(user, session) -> claims``; the session may be ``None``."""


def build_claims(
    user: Any,
    session: Any = None,
    *,
    payload: Payload,
    origin: str,
    now: datetime | None = None,
) -> dict[str, Any]:
    """The claims of a token for ``user``.

    Args:
        user: whom the token is about.
        session: their session, for the payload function.
        payload: makes the claims beside the registered ones, unless the setting ``JWT["CLAIMS"]``
            names another function, or the preset ``JAZZ``.
        origin: issuer and audience where the settings name none.
        now: the moment of issue; the clock by default.

    Returns:
        the payload with ``iat``, ``exp``, ``iss``, ``aud`` and ``sub``, which a payload cannot
        override: ``sub`` is always the user's id, and every token ends (RFC 7519, 4.1).
    """
    options = get_settings().JWT
    if options.CLAIMS is not None:
        payload = jazz_claims if options.CLAIMS == JAZZ else import_string(options.CLAIMS)
    issued_at = int((now or timezone.now()).timestamp())
    return {
        **payload(user, session),
        "iat": issued_at,
        "sub": str(user.pk),
        "exp": issued_at + options.LIFETIME,
        "iss": options.ISSUER or origin,
        "aud": options.AUDIENCE or origin,
    }
