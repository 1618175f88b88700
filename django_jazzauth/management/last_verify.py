"""What the last verification found, remembered for the admin's page."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from ..store import Report

_KEY = "jazzauth.last_verify:"


def remember(using: str, report: Report) -> dict[str, Any]:
    """Keep a summary in the default cache: counts and codes, no streams.

    Args:
        using: database alias that was verified.
        report: what ``store.verify`` gave.

    Returns:
        The summary: ``at``, ``ok``, ``events``, ``streams``, ``covered``, ``codes``.
    """
    summary = {
        "at": timezone.now(),
        "ok": report.ok,
        "events": report.events,
        "streams": report.streams,
        "covered": report.covered,
        "codes": dict(Counter(problem.code for problem in report.problems)),
    }
    cache.set(_KEY + using, summary, timeout=None)
    return summary


def last_verify(using: str) -> dict[str, Any] | None:
    """The last summary, if the cache still has one."""
    found: dict[str, Any] | None = cache.get(_KEY + using)
    return found
