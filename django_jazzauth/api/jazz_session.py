"""A signed-in user's session as a Jazz client keeps it beside an HttpOnly cookie."""

from __future__ import annotations

from typing import Any

from ..models import Session
from ..tokens.claims import build_claims
from ..tokens.external import session_claims
from . import wire
from .options import ApiOptions


def cookie_session(session: Session, options: ApiOptions) -> dict[str, Any]:
    """``{user_id, claims, authMode}``: what a Jazz server makes of the session's JWT.

    A client hands it to Jazz as ``cookieSession``, to evaluate permissions locally. It proves
    nothing.
    """
    token = build_claims(session.user, session, payload=wire.token_payload, origin=options.origin)
    subject = str(token["sub"])
    return {
        "user_id": subject,
        "claims": session_claims(token.get("claims"), subject, str(token["iss"])),
        "authMode": "external",
    }
