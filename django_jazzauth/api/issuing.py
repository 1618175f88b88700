"""JWTs for a session."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ..conf import get_settings
from ..models import Session
from ..tokens.claims import build_claims
from ..tokens.signing import sign
from . import wire
from .options import ApiOptions


def token_for(session: Session, options: ApiOptions) -> str:
    """A signed JWT that says who the session's user is."""
    claims = build_claims(session.user, session, payload=wire.token_payload, origin=options.origin)
    return sign(claims)


def token_for_payload(user: dict[str, Any], options: ApiOptions) -> str | None:
    """The same out of a user as the client sees them, without a query.

    ``None`` where the project makes the claims itself: its function takes a real user.
    """
    if get_settings().JWT.CLAIMS is not None:
        return None
    stand_in = SimpleNamespace(pk=user["id"])
    return sign(build_claims(stand_in, payload=lambda *_: user, origin=options.origin))
