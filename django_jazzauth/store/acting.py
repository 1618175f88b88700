"""Who is acting: what every event records about its cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar

Cause = Mapping[str, str]
Teller = Callable[[], Cause]

_given: ContextVar[tuple[Cause | Teller, ...]] = ContextVar("jazzauth_cause", default=())
_process: list[Teller] = []


class _Acting:
    """What is also recorded inside a ``with`` block; cheap, for every request is in one."""

    __slots__ = ("_given", "_token")

    def __init__(self, given: Cause | Teller) -> None:
        self._given = given

    def __enter__(self) -> None:
        self._token = _given.set((*_given.get(), self._given))

    def __exit__(self, *error: object) -> None:
        _given.reset(self._token)


def acting(**cause: str) -> AbstractContextManager[None]:
    """Record ``cause`` with every event written inside the block.

    For code that no request and no command started: a task of Celery's, a scheduler, a script.

    Args:
        cause: short texts such as ``actor`` (user id), ``auth_mode`` (``session``, ``admin``, …),
            ``via`` (``web``, ``api``, ``admin``, ``command``, ``task``), ``command``,
            ``request_id``, ``ip_address``, ``user_agent``. They are sealed with the event. Nested
            blocks add to, and override, the outer ones.
    """
    return _Acting(cause)


def acting_as_told(tell: Teller) -> AbstractContextManager[None]:
    """As ``acting``, with a function that is asked when something is written, and only then.

    Args:
        tell: returns the cause. What it writes itself is recorded without its answer.
    """
    return _Acting(tell)


def set_process_cause(tell: Teller) -> None:
    """What is recorded of a process when nothing else is said, such as the command it runs."""
    _process[:] = [tell]


def current_cause() -> dict[str, str]:
    """What the innermost ``acting`` block, and those around it, say; empty texts are left out."""
    given = _given.get()
    if not given and not _process:
        return {}
    # Finding out who acts may itself write, for instance end a session that has run out.
    token = _given.set(tuple([one for one in given if not callable(one)]))
    cause: dict[str, str] = {}
    try:
        for one in given:
            cause |= one() if callable(one) else one
    finally:
        _given.reset(token)
    if "request_id" not in cause:  # a request has causes of its own, whatever started its server
        for tell in _process:
            cause = {**tell(), **cause}
    return {name: text for name, text in cause.items() if text}
