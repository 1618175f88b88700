"""Requests of one process are answered one at a time, as long as they do nothing but compute.

Python runs one thread of a process at a time. Each statement of SQLite lets go of the interpreter
for a moment; where several threads answer, another one takes it in that moment, and the first has
to wait until it gets it back. Such a change costs more than the statement. So threads take turns
from request to request instead. Who waits for a password hash steps aside; whoever is inside for
longer than ``PATIENCE`` is taken to wait for something else as well, and loses the turn to the
next. So nothing depends on it: without the turnstile the same happens, in another order.

On by default where the default database is SQLite, which works in this process. A server of
databases works elsewhere, while other threads can answer: ``JAZZAUTH["REQUESTS_IN_TURN"]``.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

from django.db import DEFAULT_DB_ALIAS, connections

from .conf import Settings, while_settings_hold

PATIENCE = 0.02
"""Seconds after which whoever is inside loses the turn to the next."""


class _OfThread(threading.local):
    turn: object | None = None


class Turnstile:
    """Lets one thread in at a time, or the next after ``PATIENCE``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held by whoever is inside, in the name of ``_holder``
        self._state = threading.Lock()
        self._holder: object | None = None
        self._mine = _OfThread()

    def is_inside(self) -> bool:
        """Whether this thread went in and not out yet."""
        return self._mine.turn is not None

    def go_in(self) -> None:
        """Wait for the turn, or until whoever has it has had it for too long."""
        turn = object()
        is_free = self._lock.acquire(timeout=PATIENCE)
        with self._state:
            if not is_free and self._holder is None:  # left by somebody just now
                is_free = self._lock.acquire(blocking=False)
            # Taken, and in nobody's name: somebody is about to put theirs there. Both are inside
            # then, and the lock is not ours to give back.
            if is_free or self._holder is not None:
                self._holder = turn
        self._mine.turn = turn

    def go_out(self) -> None:
        """Let the next one in, unless somebody did not wait for that."""
        turn, self._mine.turn = self._mine.turn, None
        with self._state:
            if turn is not None and self._holder is turn:
                self._holder = None
                self._lock.release()


class _Inside:
    """A block that is run in turn; one inside of another changes nothing."""

    __slots__ = ("_entered",)

    def __enter__(self) -> None:
        self._entered = not _turnstile.is_inside()
        if self._entered:
            _turnstile.go_in()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._entered:
            _turnstile.go_out()


class _Aside:
    """A block during which others may go in, if this thread is inside."""

    __slots__ = ("_left",)

    def __enter__(self) -> None:
        self._left = _turnstile.is_inside()
        if self._left:
            _turnstile.go_out()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._left:
            _turnstile.go_in()


_turnstile = Turnstile()
_FREELY = nullcontext()


def in_turn() -> AbstractContextManager[None]:
    """A block that answers a request, or a part of one."""
    return _Inside() if _is_on() else _FREELY


def stepping_aside() -> AbstractContextManager[None]:
    """A block that waits for something else than the processor."""
    return _Aside()


@while_settings_hold
def _is_on(settings: Settings) -> bool:
    wanted = settings.REQUESTS_IN_TURN
    if wanted is not None:
        return wanted
    has_lock = getattr(sys, "_is_gil_enabled", lambda: True)()
    return has_lock and connections[DEFAULT_DB_ALIAS].vendor == "sqlite"


def _start_anew() -> None:
    """After a fork: the threads that were inside are not here."""
    global _turnstile
    _turnstile = Turnstile()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
