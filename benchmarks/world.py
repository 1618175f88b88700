"""What an operation works on: this process's models, its people, and the choice among them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model

from . import people
from .sides import OURS, this_side

WORKING_SET = 1000
"""People whose rows are read again and again: those who are signed in at the moment."""

PAGES = 10
"""Pages of 100 that are listed again and again."""

_NEW = 100_000_000
"""Numbers from here on belong to people whom an operation creates."""


class World:
    """One side's database with ``users`` people in it.

    Args:
        users: how many people it was filled with.
    """

    def __init__(self, users: int) -> None:
        self.users = users
        self.ours = this_side() == OURS
        self.user_model: Any = get_user_model()
        self.store: Any = import_module(settings.SESSION_ENGINE).SessionStore
        self.session_model: Any = self.store.get_model_class()
        self.backend: str = settings.AUTHENTICATION_BACKENDS[0]
        # The lookup by which each side finds an address through its unique index.
        self.email_lookup = "email__iexact" if self.ours else "email"
        self._next = _NEW
        self._serial = 0
        self._turn = 0
        self._sorted: list[Any] | None = None
        self.random = random.Random(0)

    def seed(self, number: int) -> None:
        """Start a slice: both sides make the same choices in the slice of the same number."""
        self.random = random.Random(number)

    def forget(self) -> None:
        """Drop what was remembered of rows read earlier. Stock Django remembers nothing."""
        if self.ours:
            import_module("django_jazzauth.sealed.memo").memo.clear()

    # -- whom to take -----------------------------------------------------------------------------

    def regulars(self, count: int) -> list[int]:
        """Numbers of people of the working set, one after the other, over and over."""
        start = self._turn
        self._turn += count
        size = min(self.users, WORKING_SET)
        return [turn % size for turn in range(start, self._turn)]

    def anybody(self, count: int) -> list[int]:
        """Numbers of different people out of all."""
        return self.random.sample(range(self.users), count)

    def newcomers(self, count: int) -> list[int]:
        """Numbers of people who are in no database."""
        first = self._next
        self._next += count
        return list(range(first, self._next))

    def serial(self) -> int:
        """A number that was not given out before, so that every write changes something."""
        self._serial += 1
        return self._serial

    def page_starts(self, count: int) -> list[Any]:
        """Primary keys to start a list of 100 at: few pages, over and over."""
        return [self._page(number % PAGES / PAGES) for number in self.regulars(count)]

    def any_page_starts(self, count: int) -> list[Any]:
        """Primary keys to start a list of 100 at, anywhere."""
        return [self._page(self.random.random()) for _ in range(count)]

    def _page(self, share: float) -> Any:
        # Keys are spread evenly, so with some room to the end there are 100 people after it.
        return people.key_at(share * max(self.users - 200, 0) / self.users)

    def span(self, rows: int) -> tuple[Any, Any]:
        """Two primary keys with ``rows`` people between them."""
        if self._sorted is None:
            # A slice of the key space that holds some thousand people, whatever the size.
            share = min(1.0, 20_000 / self.users)
            keys = self.user_model.objects.filter(pk__lte=people.key_at(share))
            self._sorted = list(keys.order_by("pk").values_list("pk", flat=True))
        start = self.random.randrange(len(self._sorted) - rows + 1)
        return self._sorted[start], self._sorted[start + rows - 1]

    # -- what they have ---------------------------------------------------------------------------

    def session_data(self, user: Any) -> dict[str, Any]:
        """What ``login()`` puts into the session of a user."""
        return {
            SESSION_KEY: str(user.pk),
            BACKEND_SESSION_KEY: self.backend,
            HASH_SESSION_KEY: user.get_session_auth_hash(),
        }

    def session_fields(self, number: int, user: Any, expires: Any) -> dict[str, Any]:
        """The columns of a session as ``login()`` leaves it behind."""
        data = self.store().encode(self.session_data(user))
        key = people.session_key(number)
        if not self.ours:
            return {"session_key": key, "session_data": data, "expire_date": expires}
        address, browser = people.client(number)
        return {
            "token": key,
            "user_id": user.pk,
            "data": data,
            "expires_at": expires,
            "ip_address": address,
            "user_agent": browser,
        }

    def end_sessions(self, keys: Sequence[str]) -> None:
        """Delete the sessions with these keys."""
        self.session_model.objects.filter(session_key__in=keys).delete()

    def remove(self, users: Sequence[Any]) -> None:
        """Delete users who were created for the occasion."""
        for start in range(0, len(users), 500):
            pks = [user.pk for user in users[start : start + 500]]
            self.user_model.objects.filter(pk__in=pks).delete()
