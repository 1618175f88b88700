"""Objects as Better Auth's client sees them: camelCase names, ISO dates, ids as text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone


def iso(moment: datetime) -> str:
    """``2026-11-21T01:23:02.213Z``: UTC, three decimals (cut off, as JavaScript's dates are)."""
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment, timezone.get_default_timezone())
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def user_payload(user: Any) -> dict[str, Any]:
    """A user as the client sees it; never a password, never an internal username."""
    return {
        "name": user.name,
        "email": user.email,
        "emailVerified": user.email_verified,
        "image": user.image,
        "createdAt": iso(user.date_joined),
        "updatedAt": iso(user.updated_at),
        "id": str(user.pk),
    }


def session_payload(session: Any) -> dict[str, Any]:
    """A session as its owner sees it."""
    return {
        "expiresAt": iso(session.expires_at),
        "token": session.token,
        "createdAt": iso(session.created_at),
        "updatedAt": iso(session.updated_at),
        "ipAddress": session.ip_address,
        "userAgent": session.user_agent,
        "userId": str(session.user_id),
        "id": str(session.pk),
    }


def token_payload(user: Any, session: Any) -> dict[str, Any]:
    """The default claims of a JWT beside the registered ones: all user fields."""
    return user_payload(user)
