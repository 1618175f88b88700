"""What the things that people do leave behind in a database, in bytes.

``python -m benchmarks.http.lasting USERS NOTES`` in a process of ours, on a copy of a filled
database; :mod:`.log` runs it. It prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import override_settings

from .. import people
from ..storage import squeeze, table_sizes
from .endpoints import BY_KEY
from .inprocess import InProcess, environ
from .prepared import read_prepared, signed_cookie
from .target import SignedIn

COUNT = 500
"""Of each."""

RENEWALS = 4
"""Of a session that is opened on a Monday and used until the Friday."""

_LOG = ("jazzauth_event", "jazzauth_data_key")

Sizes = dict[str, float]
"""Bytes: ``all`` of the database, and ``log`` of it."""


class Lasting:
    """Does things through the API, so many times each, and measures after each kind.

    Args:
        target: the application, on a database with ``COUNT`` people or more.
    """

    def __init__(self, target: InProcess) -> None:
        self._target = target
        self._sessions: list[SignedIn] = []
        self._before = _sizes()

    def measure(self) -> dict[str, Sizes]:
        """Bytes each, by what was done."""
        found = {"sign-up": self._each(self._sign_up), "profile": self._each(self._rename)}
        start = self._before
        found["sign-in"] = self._each(self._sign_in)
        found["renewals"] = self._each(self._renew)
        found["sign-out"] = self._each(self._sign_out)
        # What ended before, by nobody, has no retention to wait for either.
        with _settings(RETENTION={"session": 0}):
            import_module("django_jazzauth.store").store.compact()
        found["compacted"] = _difference(start, _sizes())
        return found

    def _each(self, do: Callable[[], None]) -> Sizes:
        do()
        after = _sizes()
        before, self._before = self._before, after
        return _difference(before, after)

    def _sign_up(self) -> None:
        for request in islice(BY_KEY["sign-up"].requests(self._target, 1), COUNT):
            self._target.answer(environ(request))

    def _rename(self) -> None:
        renamed = {"name": "Somebody Else"}
        self._ask("POST", "/update-user", self._target.signed_in()[:COUNT], renamed)

    def _sign_in(self) -> None:
        path = f"{self._target.api}/sign-in/email"
        for number in range(1, 2 * COUNT, 2):  # those with the cheap hash
            right = {"email": people.email(number), "password": people.PASSWORD}
            body = self._target.answer(environ(self._target.compose("POST", path, body=right)))
            self._sessions.append(SignedIn(*signed_cookie(json.loads(body)["token"])))

    def _renew(self) -> None:
        with _settings(SESSION={"UPDATE_AGE": 0}):
            for _ in range(RENEWALS):
                self._ask("GET", "/get-session", self._sessions)

    def _sign_out(self) -> None:
        self._ask("POST", "/sign-out", self._sessions, {})

    def _ask(
        self,
        method: str,
        path: str,
        sessions: Sequence[SignedIn],
        body: dict[str, str] | None = None,
    ) -> None:
        where = self._target.api + path
        for who in sessions:
            request = self._target.compose(method, where, {"Cookie": who.cookie}, body)
            self._target.answer(environ(request))


def _settings(**changed: Any) -> Any:
    return override_settings(JAZZAUTH={**settings.JAZZAUTH, **changed})


def _sizes() -> Sizes:
    """Without room that the database would use again."""
    squeeze()
    tables = table_sizes()
    return {"all": sum(tables.values()), "log": sum(tables[name] for name in _LOG)}


def _difference(before: Sizes, after: Sizes) -> Sizes:
    return {name: round((after[name] - before[name]) / COUNT, 1) for name in after}


def main() -> None:
    """Measure and print."""
    users, prepared = int(sys.argv[1]), read_prepared(Path(sys.argv[2]))
    if prepared is None:
        raise RuntimeError("the database is not filled")
    target = InProcess(import_module("benchmarks.http.wsgi").application, users, prepared)
    print(json.dumps(Lasting(target).measure()))


if __name__ == "__main__":
    main()
