"""The sessions that a browser keeps besides the active one, each in a signed cookie of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.http import HttpResponse

from ...api.cookies import SESSION_COOKIE, CookieJar
from ...api.session_state import find_session
from ...models import Session


def cookie_of(token: str) -> str:
    """The short name of the cookie of a session: its token in lower case is a part of it."""
    return f"{SESSION_COOKIE}_multi-{token.lower()}"


@dataclass(frozen=True, slots=True)
class Device:
    """The browser that a request came from.

    Args:
        jar: of the request.
    """

    jar: CookieJar

    def tokens(self) -> list[str]:
        """The tokens of its genuine cookies."""
        request = self.jar.request
        if request is None:
            return []
        pattern = re.compile(re.escape(self.jar.name_of(cookie_of(""))) + r"([a-z0-9]+)")
        names = [match[1] for match in map(pattern.fullmatch, request.COOKIES) if match]
        values = (self.token_of(name) for name in names)
        return [token for token in values if token is not None]

    def token_of(self, token: str) -> str | None:
        """The token in the cookie that belongs to ``token``; ``None`` without a genuine one.

        A genuine cookie under the name of another session counts as none.
        """
        if self.jar.request is None:
            return None
        found = self.jar.read(self.jar.request, cookie_of(token))
        return found if found is not None and cookie_of(found) == cookie_of(token) else None

    def sessions(self) -> list[Session]:
        """Its live sessions with their users, oldest first; for each user the newest one."""
        found = [session for token in self.tokens() if (session := find_session(token))]
        found.sort(key=lambda session: (session.created_at, session.pk))
        return list({session.user_id: session for session in found}.values())

    def remember(self, answer: HttpResponse, session: Session, *, most: int) -> None:
        """Give the browser a cookie for ``session``, unless it has it or has ``most`` already.

        Cookies of sessions that have ended do not count, and are removed where room is needed.
        """
        tokens = self.tokens()
        if session.token in tokens:
            return
        if len(tokens) >= most:
            for token in tokens:
                if find_session(token) is None:
                    self.forget(answer, token)
                    tokens = [other for other in tokens if other != token]
        if len(tokens) < most:
            age = self.jar.options.session_seconds
            self.jar.write(answer, cookie_of(session.token), session.token, max_age=age)

    def forget(self, answer: HttpResponse, token: str) -> None:
        """Remove the cookie of a session."""
        self.jar.remove(answer, cookie_of(token))
