"""Sessions without a row: the cache cookie is the session (``JAZZAUTH["SESSION"]["STATELESS"]``).

The content of the cookie has one more member, ``auth``: Django's session hash, an HMAC of the
password's hash. By it a session ends with the password that it was opened with.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from .. import revocation
from ..models import Session
from . import hooks
from .cookie_cache import Content
from .options import ApiOptions
from .session_strategy import Found, SessionStrategy, vouched


class StatelessSessions(SessionStrategy):
    """A valid cookie is a live session. Nothing is asked of the database but the user."""

    def find(
        self,
        request: HttpRequest,
        token: str,
        options: ApiOptions,
        *,
        remembered: bool = True,
        renew: bool = False,
        trust_cookie: bool = False,
    ) -> Found:
        """The session that the cookie carries.

        Its user is read unless the caller trusts the cookie, and always before a renewal: who was
        deleted or deactivated, or has another password now, has no session any more.
        """
        content = vouched(request, token, options)
        session = None if content is None else _restored(content)
        if content is None or session is None:
            return Found()
        due = renew and _is_due(session, content, options, remembered=remembered)
        if trust_cookie and not due and not _is_doubtful(content):
            return Found(session, shown=content)
        if not _is_confirmed(session, content["auth"]):
            return Found()
        if due:
            _renew(session, options, request, remembered=remembered)
        return Found(session, renewed=due, carried=content)

    def find_by_token(self, token: str) -> Session | None:
        """None: a token alone carries no session."""
        return None

    def cached(self, request: HttpRequest, token: str, options: ApiOptions) -> Content | None:
        """None: the cookie is the session, not a copy of it."""
        return None

    def create(self, data: dict[str, Any]) -> Session:
        """An object that cannot be saved."""
        session = Session(**data)
        session.stored = False
        return session

    def close(self, token: str) -> None:
        """Other copies of the cookie end too, where ``REVOKE_AT_ONCE`` is on."""
        revocation.note_session(token)

    def listed(self, session: Session) -> Iterable[Session]:
        """The present one: nothing knows of others."""
        return [session]

    def end(self, user: Any, *, token: str | None = None, but: Session | None = None) -> None:
        """Where ``REVOKE_AT_ONCE`` is on; and the rows of Django's own sessions in any case."""
        if token is not None:
            revocation.note_session_of(str(user.pk), token)
        else:
            revocation.note_sessions_of(str(user.pk), but=None if but is None else str(but.token))
        super().end(user, token=token, but=but)


def _restored(content: Content) -> Session | None:
    """The session of a genuine cookie; ``None`` where it is not of the form that is written now."""
    shown = content["session"]
    try:
        session = Session(
            id=uuid.UUID(shown["id"]),
            token=shown["token"],
            user_id=get_user_model()._meta.pk.to_python(shown["userId"]),
            ip_address=shown["ipAddress"],
            user_agent=shown["userAgent"],
            expires_at=datetime.fromisoformat(shown["expiresAt"]),
            created_at=datetime.fromisoformat(shown["createdAt"]),
            updated_at=datetime.fromisoformat(shown["updatedAt"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, ValidationError):
        return None
    session.stored = False
    return session


def _is_doubtful(content: Content) -> bool:
    return revocation.is_doubtful(str(content["user"]["id"]), content["auth"])


def _is_confirmed(session: Session, auth: str) -> bool:
    user = session.fetch_user()
    if user is None or not user.is_active:
        return False
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(auth, present) for present in hashes)


def _is_due(session: Session, content: Content, options: ApiOptions, *, remembered: bool) -> bool:
    """Whether little is left of the cookie's life, or of the session's where that can grow."""
    cookie = options.cookie_cache
    age = time.time() - content.get("updatedAt", 0) / 1000
    left = (session.expires_at - timezone.now()).total_seconds()
    return age >= cookie.MAX_AGE - cookie.UPDATE_AGE or (remembered and left <= cookie.UPDATE_AGE)


def _renew(
    session: Session, options: ApiOptions, request: HttpRequest, *, remembered: bool
) -> None:
    """Give a remembered session its full life again; one of a browser keeps its end."""
    now = timezone.now()
    changes: dict[str, Any] = {"updated_at": now}
    if remembered:
        changes["expires_at"] = now + options.session_life
    changes = hooks.ask("session", "update", changes, request=request, instance=session)
    for name, value in changes.items():
        setattr(session, name, value)
    hooks.tell("session", "update", session, request=request)
