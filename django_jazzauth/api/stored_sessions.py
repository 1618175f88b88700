"""Sessions with a row each: the usual way of keeping them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from ..models import Session
from ..request_cause import name_actor
from ..sealed.point import point_read
from ..store import acting
from . import hooks
from .cookie_cache import Content
from .options import ApiOptions
from .session_strategy import Found, SessionStrategy, vouched


class StoredSessions(SessionStrategy):
    """The database decides; the cache cookie answers ``/get-session`` where that is on."""

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
        """Prolonged once a day (``session.update_age``), to its full life from now; not when it was
        opened with ``rememberMe: false``.
        """
        now = timezone.now()
        session = self._find(token, now)
        if session is None or not (renew and remembered and _is_due(session, options, now)):
            return Found(session)
        name_actor(request, session.user_id)
        return Found(session, renewed=True) if _prolong(session, options, request) else Found()

    def find_by_token(self, token: str) -> Session | None:
        """A session that Django's ``login()`` opened dies with the password it was opened with; one
        whose user was deactivated is dead too. A session that has run out is deleted on the way.
        """
        return self._find(token, timezone.now())

    def _find(self, token: str, now: datetime) -> Session | None:
        try:
            session: Session = point_read(Session, "token", token, along="user")
        except Session.DoesNotExist:
            return None
        if session.expires_at <= now:
            session.delete()
            return None
        user = session.fetch_user()
        if user is None or not user.is_active or not _password_unchanged(session):
            return None
        return session

    def cached(self, request: HttpRequest, token: str, options: ApiOptions) -> Content | None:
        """``None`` where the cookie cache is off."""
        return vouched(request, token, options)

    def create(self, data: dict[str, Any]) -> Session:
        """A row."""
        session: Session = Session.objects.create(**data)
        return session

    def close(self, token: str) -> None:
        """Delete the row."""
        try:
            session = point_read(Session, "token", token)
            with acting(actor=str(session.user_id or "")):
                session.delete()
        except Session.DoesNotExist:
            return

    def listed(self, session: Session) -> Iterable[Session]:
        """Not those of somebody who acts as the user."""
        live = Session.objects.filter(
            user=session.user, impersonated_by=None, expires_at__gt=timezone.now()
        )
        sessions: Iterable[Session] = live.order_by("created_at", "pk")
        return sessions


def _prolong(session: Session, options: ApiOptions, request: HttpRequest) -> bool:
    """Give the session its full life again; ``False`` when it was ended in the meantime."""
    name_actor(request, session.user_id)  # the event says whose request it was
    now = timezone.now()
    changes = {"expires_at": now + options.session_life, "updated_at": now}
    try:
        hooks.save("session", session, changes, request=request)
    except DatabaseError:
        return False
    return True


def _is_due(session: Session, options: ApiOptions, now: datetime) -> bool:
    due: timedelta = options.session_life - options.session_update_age
    return bool(session.expires_at <= now + due)


def _password_unchanged(session: Session) -> bool:
    if not session.data:
        return True
    opened_with = session.get_decoded().get(HASH_SESSION_KEY, "")
    user: Any = session.user
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(opened_with, present) for present in hashes)
