"""What waits for the end of a transaction: hooks that come after a write, and mails.

Code of a project that learns of a write, or a mail that tells of it, must find it committed, and
must not keep the database waiting meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_waiting: ContextVar[list[Callable[[], None]] | None] = ContextVar("jazzauth_waiting", default=None)


@contextmanager
def held_back() -> Iterator[None]:
    """Do what :func:`afterwards` was told inside the block when it ends; never, if it raises.

    Put it around the transaction. Within another such block it is that one which counts.
    """
    if _waiting.get() is not None:
        yield
        return
    waiting: list[Callable[[], None]] = []
    token = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(token)
    for do in waiting:
        do()


def afterwards(do: Callable[[], None]) -> None:
    """Do it at the end of the block that is :func:`held_back`; now, where there is none."""
    waiting = _waiting.get()
    if waiting is None:
        do()
    else:
        waiting.append(do)
