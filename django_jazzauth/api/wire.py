"""Objects as Better Auth's client sees them: camelCase names, ISO dates, ids as text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from django.utils import timezone

from . import plugins

USER_MEMBERS = ("name", "email", "emailVerified", "image", "createdAt", "updatedAt", "id")
SESSION_MEMBERS = (
    *("expiresAt", "token", "createdAt", "updatedAt", "ipAddress", "userAgent", "userId", "id"),
)

_encode = msgspec.json.Encoder().encode
_WITH_FRACTION = len('"2026-11-21T01:23:02.213456Z"')


def iso(moment: datetime) -> str:
    """``2026-11-21T01:23:02.213Z``: UTC, three decimals (cut off, as JavaScript's dates are)."""
    # Ten times as fast as isoformat(), so that none of thousands of moments has to be remembered:
    # "2026-11-21T01:23:02.213456Z" with its quotes, or without a fraction where that is zero.
    text = _encode(moment if moment.tzinfo is UTC else _in_utc(moment)).decode()
    return text[1:24] + "Z" if len(text) == _WITH_FRACTION else text[1:20] + ".000Z"


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        moment = timezone.make_aware(moment, timezone.get_default_timezone())
    return moment.astimezone(UTC)


def user_payload(user: Any) -> dict[str, Any]:
    """A user as the client sees it, with what plugins add; never a password."""
    registry = plugins.installed()
    added = registry.user_members
    return {
        # Who was loaded from a stock project has only the two names of Django's own user.
        "name": user.name or user.get_full_name(),
        "email": user.email,
        "emailVerified": user.email_verified,
        "image": user.image,
        "createdAt": iso(user.date_joined),
        "updatedAt": iso(user.updated_at),
        **(added and registry.read_members(added, user)),
        "id": str(user.pk),
    }


def session_payload(session: Any) -> dict[str, Any]:
    """A session as its owner sees it, with what plugins add."""
    registry = plugins.installed()
    added = registry.session_members
    return {
        "expiresAt": iso(session.expires_at),
        "token": session.token,
        "createdAt": iso(session.created_at),
        "updatedAt": iso(session.updated_at),
        "ipAddress": session.ip_address,
        "userAgent": session.user_agent,
        "userId": str(session.user_id),
        **(added and registry.read_members(added, session)),
        "id": str(session.pk),
    }


def token_payload(user: Any, session: Any) -> dict[str, Any]:
    """The default claims of a JWT beside the registered ones: all user fields."""
    return user_payload(user)
