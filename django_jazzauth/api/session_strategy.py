"""Where sessions live: what the two ways of keeping them have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from ..models import Session
from ..revocation import is_revoked
from . import wire
from .cookie_cache import Content
from .cookies import CookieJar
from .options import ApiOptions


@dataclass(slots=True)
class Found:
    """What a token came to.

    Attributes:
        session: ``None`` where it is dead.
        shown: session and user as the client sees them, where a cookie vouches for them and the
            user was not read; ``None`` where the database was asked.
        renewed: it was prolonged: the cookies have to be set again.
        carried: the content of a stateless session's cookie, where the user was read.
    """

    session: Session | None = None
    shown: Content | None = None
    renewed: bool = False
    carried: Content | None = None


class SessionStrategy(ABC):
    """Finds, opens and ends sessions."""

    @abstractmethod
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
        """The live session of ``token``.

        Args:
            request: Django's request, which may carry the session itself.
            token: as it was presented.
            options: as they apply to the request.
            remembered: ``False`` for a session that ends with the browser.
            renew: prolong it where that is due.
            trust_cookie: a stateless session need not be confirmed by reading its user.
        """

    @abstractmethod
    def find_by_token(self, token: str) -> Session | None:
        """The live session of a token that came alone; ``None`` when there is none."""

    @abstractmethod
    def cached(self, request: HttpRequest, token: str, options: ApiOptions) -> Content | None:
        """What the cache cookie says of a session that is stored elsewhere."""

    @abstractmethod
    def create(self, data: dict[str, Any]) -> Session:
        """A new session with these values."""

    @abstractmethod
    def close(self, token: str) -> None:
        """End the session of ``token``; nothing happens when there is none."""

    @abstractmethod
    def listed(self, session: Session) -> Iterable[Session]:
        """The live sessions of the user of ``session`` that are known, oldest first."""

    def end(self, user: Any, *, token: str | None = None, but: Session | None = None) -> None:
        """End sessions of ``user``; see :func:`~.session_state.end_sessions`."""
        ended = Session.objects.filter(user=user)
        if token is not None:
            ended = ended.filter(token=token)
        if but is not None:
            ended = ended.exclude(pk=but.pk)
        ended.delete()


def vouched(request: HttpRequest, token: str, options: ApiOptions) -> Content | None:
    """The content of the cache cookie if it vouches for ``token``: genuine, live, not revoked."""
    content = CookieJar(options, request).read_cache(request)
    if content is None:
        return None
    session, user = content["session"], content["user"]
    if session.get("token") != token or not user.get("id"):
        return None
    if str(session.get("expiresAt")) <= wire.iso(timezone.now()):
        return None
    opened = str(session.get("createdAt")) if options.cookie_cache.STATELESS else None
    return None if is_revoked(token, str(user["id"]), opened=opened) else content
