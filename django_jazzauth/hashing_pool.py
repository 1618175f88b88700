"""Passwords are hashed by a few threads of their own, behind a short queue.

A hash takes some 20 ms of a core on purpose. Hashed where requests are answered, a storm of
sign-ins takes every core and every request thread, and whoever only asks for their session waits
behind it. Here the hashes wait for each other instead: at most ``JAZZAUTH["HASHING"]["THREADS"]``
run, at most ``QUEUE`` wait, and whatever comes beyond is refused at once (the API answers 429).

argon2-cffi and OpenSSL release the interpreter lock while they hash. On Linux the threads also run
at a lower priority than those that answer requests, so that a hash gives way where cores are few.

The pool belongs to one process and is made at its first hash; a forked process makes its own. It
knows nothing of accounts: the hash that is made for somebody who does not exist waits, and is
refused, like any other.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from .conf import get_settings
from .errors import HashingBusy

RETRY_AFTER = 1
"""Seconds after which a client that was refused may come again: the queue is short."""

# Five steps of "nice": a hash gets a third of what a thread that answers gets while both want the
# same core, and all of it while no other does. Ten steps were no better for the answers, and worse
# for the hashes.
_NICER = 5
_LOG_INTERVAL = 10.0
_Result = TypeVar("_Result")
_here = threading.local()
logger = logging.getLogger("django_jazzauth.hashing")


@dataclass(frozen=True, slots=True)
class Usage:
    """What the pool of this process is doing, for a project's metrics.

    Attributes:
        threads: how many hash at most.
        queue: how many wait at most.
        present: how many hash or wait now.
        refused: how many were turned away since the pool was made.
    """

    threads: int
    queue: int
    present: int
    refused: int


class HashingPool:
    """Threads that hash, and a bound for those who wait.

    Args:
        threads: how many hash at a time.
        queue: how many may wait besides.
    """

    def __init__(self, threads: int, queue: int) -> None:
        self.threads = threads
        self.queue = queue
        self._lock = threading.Lock()
        self._present = 0
        self._refused = 0
        self._last_words = -_LOG_INTERVAL
        self._executor = ThreadPoolExecutor(
            threads, thread_name_prefix="jazzauth-hashing", initializer=_give_way
        )

    def run(self, work: Callable[[], _Result]) -> _Result:
        """Do ``work`` on a thread of the pool, and wait for it.

        Raises:
            HashingBusy: there is no place left to wait.
        """
        if getattr(_here, "hashes", False):
            return work()  # many a hasher verifies by hashing once more
        with self._lock:
            self._refuse_if_full()
            self._present += 1
        try:
            done = self._executor.submit(self._do, work)
        except BaseException:
            self._leave()
            raise
        return done.result()

    def refuse_if_full(self) -> None:
        """Refuse early what would be refused now, before anything else is done for it.

        Raises:
            HashingBusy: there is no place left to wait.
        """
        with self._lock:
            self._refuse_if_full()

    def usage(self) -> Usage:
        """What it is doing now."""
        return Usage(self.threads, self.queue, self._present, self._refused)

    def close(self) -> None:
        """Let the threads end when what waits is done."""
        self._executor.shutdown(wait=False)

    def _refuse_if_full(self) -> None:
        if self._present < self.threads + self.queue:
            return
        self._refused += 1
        now = time.monotonic()
        if now - self._last_words >= _LOG_INTERVAL:
            self._last_words = now
            logger.warning(
                "Passwords come faster than they are hashed: %d hash, %d wait, and the next are "
                "refused (%d so far).",
                *(self.threads, self.queue, self._refused),
            )
        raise HashingBusy

    def _do(self, work: Callable[[], _Result]) -> _Result:
        # Left before the result is handed over, or whoever waited for it and comes again at once
        # would find their own place taken.
        try:
            return work()
        finally:
            self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._present -= 1


_pool: HashingPool | None = None
_making = threading.Lock()


def hashing_pool() -> HashingPool:
    """The pool of this process, as the settings are now."""
    global _pool
    options = get_settings().HASHING
    threads = options.THREADS or _default_threads()
    pool = _pool
    if pool is None or (pool.threads, pool.queue) != (threads, options.QUEUE):
        with _making:
            pool = _pool
            if pool is None or (pool.threads, pool.queue) != (threads, options.QUEUE):
                if pool is not None:
                    pool.close()
                pool = _pool = HashingPool(threads, options.QUEUE)
    return pool


@cache
def _default_threads() -> int:
    """One core is left to everything else, where there are two or more."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    return max(1, cores - 1)


def _give_way() -> None:
    """Note that this is a thread of the pool, and lower its priority."""
    _here.hashes = True
    thread = threading.get_native_id()
    # Linux has a priority for each thread. Where "threads" are greenlets, this is the main one.
    if sys.platform != "linux" or thread == os.getpid():
        return
    try:
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICER)
    except OSError:  # a sandbox may forbid it: then hashes do not give way
        logger.info("The priority of the threads that hash passwords could not be lowered.")


def _forget() -> None:
    """After a fork: the threads of the parent are not here, and its locks may be held for ever."""
    global _pool, _making
    _pool, _making = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
