"""The key set of another issuer, kept in memory and fetched again when that is due.

* It is kept for ``max_age`` seconds, and through an outage of its publisher for ``max_stale`` more.
* A token that no key fits makes it be fetched once more, for a new key may just have been
  published; within ``cooldown`` seconds of that the set is used as it is, so that nobody can make
  this server call the publisher at will.
* Threads that need the set at the same time share one request.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .fetching import FetchFailed, fetch_json
from .verification_keys import UnusableKeySet, VerificationKey, load_key_set

MAX_AGE = 300.0
MAX_STALE = 300.0
COOLDOWN = 10.0

Keys = tuple[VerificationKey, ...]

_NEVER = float("-inf")


class RemoteKeys:
    """The keys at one address.

    Args:
        url: where the set is published.
        max_age: seconds for which it is used without asking again.
        max_stale: seconds for which it is used beyond that while asking fails.
        cooldown: seconds between two requests that tokens have caused.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        url: str,
        *,
        max_age: float = MAX_AGE,
        max_stale: float = MAX_STALE,
        cooldown: float = COOLDOWN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = url
        self.max_age = max_age
        self.max_stale = max_stale
        self.cooldown = cooldown
        self.clock = clock
        self._lock = threading.Lock()
        self._keys: Keys | None = None
        self._fetched_at = _NEVER
        self._failed_at = _NEVER
        self._forced_at = _NEVER
        self._attempts = 0

    def current(self) -> Keys:
        """The keys as last fetched, or fetched now.

        Raises:
            FetchFailed, UnusableKeySet: there is no set that may still be used.
        """
        keys = self._young(self.max_age)
        if keys is not None:
            return keys
        old = self._young(self.max_age + self.max_stale)
        if old is not None and self.clock() - self._failed_at < self.cooldown:
            return old
        try:
            return self._fetch()
        except (FetchFailed, UnusableKeySet):
            old = self._young(self.max_age + self.max_stale)
            if old is None:
                raise
            return old

    def refreshed(self) -> Keys:
        """The keys, fetched anew unless that was done for a token a moment ago.

        Raises:
            FetchFailed, UnusableKeySet: fetching failed; :meth:`current` may still have the old.
        """
        now = self.clock()
        if now - self._forced_at < self.cooldown:
            return self.current()
        self._forced_at = now
        return self._fetch()

    def _young(self, limit: float) -> Keys | None:
        return self._keys if self.clock() - self._fetched_at < limit else None

    def _fetch(self) -> Keys:
        seen = self._attempts
        with self._lock:
            if self._attempts != seen and self._keys is not None:
                # Another thread has just asked; what it got is as new as what we would get.
                return self._keys
            try:
                keys = load_key_set(fetch_json(self.url))
            except (FetchFailed, UnusableKeySet):
                self._failed_at = self.clock()
                raise
            finally:
                self._attempts += 1
            self._keys, self._fetched_at = keys, self.clock()
            return keys


_known: dict[tuple[str, float, float], RemoteKeys] = {}


def remote_keys(url: str, *, max_age: float = MAX_AGE, max_stale: float = MAX_STALE) -> RemoteKeys:
    """The keys at ``url``, of which a process keeps one copy."""
    return _known.setdefault(
        (url, max_age, max_stale), RemoteKeys(url, max_age=max_age, max_stale=max_stale)
    )


def forget() -> None:
    """Drop every set that this process has fetched."""
    _known.clear()
