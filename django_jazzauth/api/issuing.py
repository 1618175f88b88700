"""JWTs for a session."""

from __future__ import annotations

from ..models import Session
from ..tokens.claims import build_claims
from ..tokens.signing import sign
from . import wire
from .options import ApiOptions


def token_for(session: Session, options: ApiOptions) -> str:
    """A signed JWT that says who the session's user is."""
    claims = build_claims(session.user, session, payload=wire.token_payload, origin=options.origin)
    return sign(claims)
