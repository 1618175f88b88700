"""Endpoints that hash a password refuse early while the pool of hashes is full."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ..errors import HashingBusy
from ..hashing_pool import RETRY_AFTER, hashing_pool
from .throttling import RateThrottle


class HashingThrottle(BaseThrottle):
    """429 before the body is read and anybody is looked up.

    So a storm that is refused costs little, and what the answer takes cannot depend on who exists.
    The pool itself refuses whatever comes in between.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether there is a place to hash, or to wait for it."""
        try:
            hashing_pool().refuse_if_full()
        except HashingBusy:
            return False
        return True

    def wait(self) -> float:
        """Seconds until it is worth to try again."""
        return RETRY_AFTER


THROTTLES: Any = (RateThrottle, HashingThrottle)
"""``throttle_classes`` of the endpoints that hash."""
