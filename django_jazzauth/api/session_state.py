"""The session behind a request, and opening and closing sessions."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from ..client import client_address, user_agent
from ..models import Session
from ..models.session import new_token
from . import hooks, plugins
from .cookies import BRIEF_COOKIE, SESSION_COOKIE, CookieJar
from .options import BRIEF_SESSION, ApiOptions
from .plugins import Credential


@dataclass(slots=True)
class SessionState:
    """What a request's credentials came to, and what the answer has to say about them.

    ``session`` is ``None`` when nobody is signed in. ``token`` is what the client presented; a
    token without a session is dead, and the answer removes it. A session without a token is one
    that a plugin vouches for: it is never put into cookies.
    """

    token: str | None = None
    session: Session | None = None
    remembered: bool = True
    renewed: bool = field(default=False)

    @property
    def user(self) -> Any:
        """The signed-in user, ``None`` when there is none."""
        return None if self.session is None else self.session.user

    def is_fresh(self, options: ApiOptions) -> bool:
        """Whether the sign-in was not long ago; always, where the settings have no limit."""
        limit = options.session_fresh_age
        return self.session is not None and (
            not limit or timezone.now() - self.session.created_at < limit
        )

    def rewrite(self, response: HttpResponse, jar: CookieJar) -> None:
        """Set the session's cookies again, so that the cache cookie shows what has changed."""
        if self.session is not None and self.token is not None:
            jar.write_session(response, self.session, remember=self.remembered)

    def apply(self, response: HttpResponse, jar: CookieJar) -> None:
        """Set or remove the cookies that follow from the state."""
        if self.session is None and self.token is not None:
            jar.remove_session(response)
        elif self.session is not None and self.renewed:
            jar.write_session(response, self.session, remember=True)


def presented(request: HttpRequest, options: ApiOptions) -> Credential:
    """What a request presents: what the first plugin finds, else the session cookie.

    A token that was signed here need not exist any more.
    """
    for read in plugins.installed().credential:
        found: Credential | None = read(request, options)
        if found is not None:
            return found
    return Credential(CookieJar(options).read(request, SESSION_COOKIE))


def find_session(token: str) -> Session | None:
    """The live session of ``token`` with its user; ``None`` when it is dead.

    A session that Django's ``login()`` opened dies with the password it was opened with; one
    whose user was deactivated is dead too. A session that has run out is deleted on the way.
    """
    try:
        # One query: a point read takes the user along.
        session: Session = Session.objects.select_related("user").get(token=token)
    except Session.DoesNotExist:
        return None
    if session.expires_at <= timezone.now():
        session.delete()
        return None
    user = session.fetch_user()
    if user is None or not user.is_active or not _password_unchanged(session):
        return None
    return session


def resolve(request: HttpRequest, options: ApiOptions, *, renew: bool = True) -> SessionState:
    """Find the request's session and prolong it where that is due.

    It is prolonged once a day (``session.update_age``), to its full life from now; not when it was
    opened with ``rememberMe: false``.

    Args:
        request: Django's request.
        options: as they apply to it.
        renew: ``False`` leaves the expiry as it is.
    """
    credential = presented(request, options)
    if credential.session is not None:
        # Not a stored session of a browser: nothing to prolong, no cookie to set.
        return SessionState(session=credential.session)
    token = credential.token
    if token is None:
        return SessionState()
    remembered = CookieJar(options).read(request, BRIEF_COOKIE) is None
    state = SessionState(token=token, session=find_session(token), remembered=remembered)
    if state.session is not None and renew and remembered and _is_due(state.session, options):
        state.renewed = _prolong(state.session, options, request)
        if not state.renewed:
            state.session = None
    return state


def open_session(
    user: Any, request: HttpRequest, options: ApiOptions, *, remember: bool = True
) -> Session:
    """Sign ``user`` in: a new session for the device that the request comes from.

    Raises:
        ApiError: a hook refuses.
    """
    now = timezone.now()
    data = {
        "token": new_token(),
        "user": user,
        "ip_address": client_address(request),
        "user_agent": user_agent(request),
        "created_at": now,
        "updated_at": now,
        "expires_at": now + (options.session_life if remember else BRIEF_SESSION),
    }
    data = hooks.ask("session", "create", data, request=request)
    session: Session = Session.objects.create(**data)
    hooks.tell("session", "create", session, request=request)
    return session


def close_session(token: str) -> None:
    """End the session of ``token``; nothing happens when there is none."""
    with suppress(Session.DoesNotExist):
        Session.objects.get(token=token).delete()


def sessions_of(user: Any) -> Any:
    """The live sessions of ``user``, oldest first; not those of somebody who acts as the user."""
    live = Session.objects.filter(user=user, impersonated_by=None, expires_at__gt=timezone.now())
    return live.order_by("created_at", "pk")


def end_sessions(user: Any, *, token: str | None = None, but: Session | None = None) -> None:
    """End sessions of ``user``.

    Args:
        user: whose.
        token: only the one of this token.
        but: all except this one.
    """
    ended = Session.objects.filter(user=user)
    if token is not None:
        ended = ended.filter(token=token)
    if but is not None:
        ended = ended.exclude(pk=but.pk)
    ended.delete()


def _prolong(session: Session, options: ApiOptions, request: HttpRequest) -> bool:
    """Give the session its full life again; ``False`` when it was ended in the meantime."""
    now = timezone.now()
    changes = {"expires_at": now + options.session_life, "updated_at": now}
    try:
        hooks.save("session", session, changes, request=request)
    except DatabaseError:
        return False
    return True


def _is_due(session: Session, options: ApiOptions) -> bool:
    due: timedelta = options.session_life - options.session_update_age
    return bool(session.expires_at <= timezone.now() + due)


def _password_unchanged(session: Session) -> bool:
    if not session.data:
        return True
    opened_with = session.get_decoded().get(HASH_SESSION_KEY, "")
    user: Any = session.user
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(opened_with, present) for present in hashes)
