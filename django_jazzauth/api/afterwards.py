"""What waits for the end of a transaction: hooks that come after a write, and mails.

Code of a project that learns of a write, or a mail that tells of it, must find it committed, and
must not keep the database waiting meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar

_waiting: ContextVar[list[Callable[[], None]] | None] = ContextVar("jazzauth_waiting", default=None)


class _HeldBack:
    """What :func:`held_back` gives."""

    __slots__ = ("_own", "_token")

    def __enter__(self) -> None:
        self._own: list[Callable[[], None]] | None = None
        if _waiting.get() is None:
            self._own = []
            self._token = _waiting.set(self._own)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._own is None:
            return
        _waiting.reset(self._token)
        if kind is None:
            for do in self._own:
                do()


def held_back() -> AbstractContextManager[None]:
    """Do what :func:`afterwards` was told inside the block when it ends; never, if it raises.

    Put it around the transaction. Within another such block it is that one which counts.
    """
    return _HeldBack()


def afterwards(do: Callable[[], None]) -> None:
    """Do it at the end of the block that is :func:`held_back`; now, where there is none."""
    waiting = _waiting.get()
    if waiting is None:
        do()
    else:
        waiting.append(do)
