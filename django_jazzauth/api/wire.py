"""Objects as Better Auth's client sees them: camelCase names, ISO dates, ids as text."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.utils import timezone

from . import plugins

USER_MEMBERS = ("name", "email", "emailVerified", "image", "createdAt", "updatedAt", "id")
SESSION_MEMBERS = (
    *("expiresAt", "token", "createdAt", "updatedAt", "ipAddress", "userAgent", "userId", "id"),
)


def iso(moment: datetime) -> str:
    """``2026-11-21T01:23:02.213Z``: UTC, three decimals (cut off, as JavaScript's dates are)."""
    if moment.tzinfo is None:
        moment = timezone.make_aware(moment, timezone.get_default_timezone())
    # In UTC, for times of a zone are equal in the two hours that it repeats.
    return _iso(moment if moment.tzinfo is UTC else moment.astimezone(UTC))


@lru_cache(maxsize=4096)
def _iso(moment: datetime) -> str:
    # Rows that were seen before bring the same moments, again and again.
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


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
