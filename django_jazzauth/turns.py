"""Threads of one process take turns at writing to a SQLite database.

SQLite has one writer at a time. Who meets another looks again after pauses that grow to a tenth of
a second, so that the database lies idle while several wait. Threads of the same process wake each
other instead. SQLite's lock still decides: who has waited in vain for ``PATIENCE`` goes to it, as
writers of other processes do.
"""

from __future__ import annotations

import os
from collections import defaultdict
from threading import Lock
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from .drivers import execute
from .kept_settings import DEBUG

PATIENCE = 1.0
"""Seconds that a thread waits for its turn before it leaves the matter to SQLite."""

_TURN = "jazzauth_turn"
_locks: defaultdict[str, Lock] = defaultdict(Lock)
_made: dict[type[Any], type[Any]] = {}
if hasattr(os, "register_at_fork"):  # the threads whose turn it is are not in the child
    os.register_at_fork(after_in_child=_locks.clear)


class _Turn:
    """Somebody's turn; it ends with this object, and so with its connection or its thread."""

    __slots__ = ("_lock",)

    def __init__(self, lock: Lock) -> None:
        self._lock = lock

    def __del__(self) -> None:
        self._lock.release()


def take_turn(connection: Any) -> None:
    """Wait until no other thread is about to write to the connection's database.

    Once a transaction, whether it was worth it or not.

    Args:
        connection: Django's; only one that ``let_take_turns`` was told of ever waits.
    """
    if _TURN in connection.__dict__ or not isinstance(connection, _TakesTurns):
        return
    lock = _locks[str(connection.settings_dict["NAME"])]
    # Who gave up holds SQLite's lock soon, and must not wait in each further statement for somebody
    # who waits for that.
    connection.__dict__[_TURN] = _Turn(lock) if lock.acquire(timeout=PATIENCE) else None


def let_take_turns(connection: Any) -> None:
    """Let a connection of SQLite's backend take its turn with each transaction that writes."""
    if not isinstance(connection, BaseDatabaseWrapper):
        connection = connections[connection.alias]  # Django's proxy for whichever is the thread's
    if not isinstance(connection, _TakesTurns):
        connection.__class__ = _taking_turns(type(connection))


class _TakesTurns:
    """The transactions of Django's SQLite backend, in turn."""

    settings_dict: dict[str, Any]
    connection: Any
    autocommit: bool
    in_atomic_block: bool
    health_check_enabled: bool
    force_debug_cursor: bool
    run_on_commit: list[Any]
    run_commit_hooks_on_set_autocommit_on: bool
    wrap_database_errors: Any

    def _start_transaction_under_autocommit(self) -> None:
        # Without such a mode the lock is taken with the first write, see ``hold_writer_lock``.
        mode = getattr(self, "transaction_mode", None)
        if mode in ("IMMEDIATE", "EXCLUSIVE"):
            take_turn(self)
        try:
            # As Django's, without a cursor of Django's for the one word.
            execute(self, f"BEGIN {mode or ''}".rstrip(), ())  # type: ignore[arg-type]
        except BaseException:
            self.__dict__.pop(_TURN, None)
            raise

    def set_autocommit(
        self, autocommit: bool, force_begin_transaction_with_broken_autocommit: bool = False
    ) -> None:
        """As Django's, past what needs no look when ``atomic()`` begins on an open connection.

        Nor when it ends: the driver never left its autocommit mode.
        """
        if (
            self.connection is None
            or self.in_atomic_block
            or self.health_check_enabled
            or (self.run_on_commit if autocommit else False)
            or not (autocommit or force_begin_transaction_with_broken_autocommit)
            or self.connection.isolation_level is not None
        ):
            super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)  # type: ignore[misc]
            return
        if autocommit:
            self.run_commit_hooks_on_set_autocommit_on = False
        else:
            self._start_transaction_under_autocommit()
        self.autocommit = autocommit

    def get_autocommit(self) -> bool:
        """As Django's, without a look whether there is a connection where there is one."""
        return self.autocommit if self.connection is not None else super().get_autocommit()  # type: ignore[misc]

    def _commit(self) -> None:
        if self.force_debug_cursor or DEBUG.value or self.connection is None:
            super()._commit()  # type: ignore[misc]
        else:
            try:
                self.connection.commit()
            except Exception:
                with self.wrap_database_errors:
                    raise
        self.__dict__.pop(_TURN, None)

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self.__dict__.pop(_TURN, None)

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self.__dict__.pop(_TURN, None)


def _taking_turns(base: type[Any]) -> type[Any]:
    made = _made.get(base)
    if made is None:
        made = type(base.__name__, (_TakesTurns, base), {"__module__": base.__module__})
        _made[base] = made
    return made
