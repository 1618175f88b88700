"""The session behind a request, and opening and closing sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from ..client import client_address, user_agent
from ..conf import get_settings
from ..models import Session
from ..models.session import new_token
from ..request_cause import name_actor
from . import hooks, plugins, wire
from .cookie_cache import Content
from .cookies import BRIEF_COOKIE, SESSION_COOKIE, CookieJar, read_signed
from .errors import ApiError
from .options import BRIEF_SESSION, ApiOptions
from .plugins import Credential
from .session_strategy import SessionStrategy
from .stateless_sessions import StatelessSessions
from .stored_sessions import StoredSessions

_STORED = StoredSessions()
_STATELESS = StatelessSessions()


def strategy() -> SessionStrategy:
    """How sessions are kept, by the settings."""
    return _STATELESS if get_settings().SESSION.STATELESS else _STORED


@dataclass(slots=True)
class SessionState:
    """What a request's credentials came to, and what the answer has to say about them.

    ``session`` is ``None`` when nobody is signed in. ``token`` is what the client presented; a
    token without a session is dead, and the answer removes it. A session without a token is one
    that a plugin vouches for: it is never put into cookies. ``shown`` and ``carried`` are those of
    :class:`~.session_strategy.Found`.
    """

    token: str | None = None
    session: Session | None = None
    remembered: bool = True
    renewed: bool = field(default=False)
    shown: Content | None = field(default=None, repr=False)
    carried: Content | None = field(default=None, repr=False)

    @property
    def user(self) -> Any:
        """The signed-in user, ``None`` when there is none."""
        return None if self.session is None else self.session.user

    @property
    def payload(self) -> Content | None:
        """``{session, user}`` as the client sees them, ``None`` when nobody is signed in."""
        if self.session is None:
            return None
        if self.shown is not None:
            return {"session": self.shown["session"], "user": self.shown["user"]}
        return {
            "session": wire.session_payload(self.session),
            "user": wire.user_payload(self.user),
        }

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

    def ended(self) -> None:
        """Note that this session was ended: a stateless one, by the loss of its cookies."""
        if self.session is not None and not self.session.stored:
            self.session = None

    @property
    def has_to_tell(self) -> bool:
        """Whether :meth:`apply` may have anything to do."""
        if self.session is None:
            return self.token is not None
        return self.renewed or self.carried is not None

    def apply(self, response: HttpResponse, jar: CookieJar) -> None:
        """Set or remove the cookies that follow from the state."""
        if self.session is None and self.token is not None:
            jar.remove_session(response)
        elif self.session is not None and self.renewed:
            jar.write_session(response, self.session, remember=self.remembered)
        elif response.status_code < 400 and self._is_outdated():
            self.rewrite(response, jar)

    def _is_outdated(self) -> bool:
        """Whether the cookie of a stateless session says of the user what is no longer so.

        Be it by this request or an earlier one. A new password that was set by this request does
        not end its own session.
        """
        # A user without a key has been deleted by this request.
        if self.carried is None or self.session is None or self.user.pk is None:
            return False
        same_password = constant_time_compare(
            self.carried["auth"], self.user.get_session_auth_hash()
        )
        return not same_password or self.carried["user"] != wire.user_payload(self.user)


def presented(request: HttpRequest, options: ApiOptions) -> Credential:
    """What a request presents: what the first plugin finds, else the session cookie.

    A token that was signed here need not exist any more.
    """
    for read in plugins.installed().credential:
        found: Credential | None = read(request, options)
        if found is not None:
            return found
    return Credential(read_signed(request, options, SESSION_COOKIE))


def find_session(token: str) -> Session | None:
    """The live session of ``token`` with its user; ``None`` when it is dead.

    Of a token that came alone: where sessions are stateless, it has none.
    """
    return strategy().find_by_token(token)


def cached_content(request: HttpRequest, options: ApiOptions) -> Content | None:
    """``{session, user}`` out of the cache cookie of a stored session, without a query.

    ``None`` where there is none that vouches for what the request presents.
    """
    if not options.cookie_cache.ENABLED:
        return None
    token = presented(request, options).token
    return None if token is None else strategy().cached(request, token, options)


def resolve(
    request: HttpRequest, options: ApiOptions, *, renew: bool = True, trust_cookie: bool = False
) -> SessionState:
    """Find the request's session and prolong it where that is due.

    Args:
        request: Django's request.
        options: as they apply to it.
        renew: ``False`` leaves the expiry as it is.
        trust_cookie: where sessions are stateless, do without the user's row.
    """
    credential = presented(request, options)
    if credential.session is not None:
        name_actor(request, credential.session.user_id)
        # Not a stored session of a browser: nothing to prolong, no cookie to set.
        return SessionState(session=credential.session)
    token = credential.token
    if token is None:
        return SessionState()
    remembered = read_signed(request, options, BRIEF_COOKIE) is None
    found = strategy().find(
        request, token, options, remembered=remembered, renew=renew, trust_cookie=trust_cookie
    )
    if found.session is not None:
        name_actor(request, found.session.user_id)
    return SessionState(
        token=token,
        session=found.session,
        remembered=remembered,
        renewed=found.renewed,
        shown=found.shown,
        carried=found.carried,
    )


def open_session(
    user: Any,
    request: HttpRequest,
    options: ApiOptions,
    *,
    remember: bool = True,
    along: Callable[[], object] | None = None,
) -> Session:
    """Sign ``user`` in: a new session for the device that the request comes from.

    Args:
        user: who.
        request: the one that asks for it.
        options: as they apply to it.
        remember: ``False`` for a session that ends with the browser.
        along: writes something else in the same transaction.

    Raises:
        ApiError: a hook refuses; 401 where the user was deleted a moment ago.
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
    alias = user._state.db
    try:
        with transaction.atomic(using=alias, savepoint=False):
            session = strategy().create(data)
            if along is not None:
                along()
    except DatabaseError:
        if transaction.get_connection(alias).in_atomic_block or _exists(user):
            raise
        raise ApiError(401, "FAILED_TO_CREATE_SESSION") from None
    hooks.tell("session", "create", session, request=request)
    return session


def _exists(user: Any) -> bool:
    return bool(type(user)._base_manager.using(user._state.db).filter(pk=user.pk).exists())


def close_session(token: str) -> None:
    """End the session of ``token``; nothing happens when there is none."""
    strategy().close(token)


def sessions_of(session: Session) -> Iterable[Session]:
    """The live sessions of the user of ``session``, oldest first; where sessions are stateless,
    that one alone.
    """
    return strategy().listed(session)


def end_sessions(user: Any, *, token: str | None = None, but: Session | None = None) -> None:
    """End sessions of ``user``.

    Args:
        user: whose.
        token: only the one of this token.
        but: all except this one.
    """
    strategy().end(user, token=token, but=but)
