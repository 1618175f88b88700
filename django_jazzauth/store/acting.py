"""Who is acting: what every event records about its cause."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_cause: ContextVar[dict[str, str] | None] = ContextVar("jazzauth_cause", default=None)


@contextmanager
def acting(**cause: str) -> Iterator[None]:
    """Record ``cause`` with every event written inside the block.

    Args:
        cause: short texts such as ``actor`` (user id), ``via`` (``admin``, ``command``, ``api``),
            ``request_id``, ``ip_address``, ``user_agent``. They are sealed with the event. Nested
            blocks add to, and override, the outer ones.
    """
    token = _cause.set({**(_cause.get() or {}), **cause})
    try:
        yield
    finally:
        _cause.reset(token)


def current_cause() -> dict[str, str]:
    """What the innermost ``acting`` block, and those around it, say."""
    return _cause.get() or {}
