"""What a process has opened of a database's keys, and how long it may rely on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Set
from dataclasses import dataclass

import msgspec
from django.db import connections, transaction

from ..conf import get_settings
from ..crypto.envelope import Envelope, HeadCipher
from ..crypto.index_cipher import IndexCipher
from ..drivers import fetch_all
from ..errors import KeyUnavailable
from .cache import RecentlyUsed
from .first_epoch import make_first_epoch
from .loading import OpenedKeys, load_keys
from .source import key_provider
from .sql import as_id
from .standing import Standing
from .trust import hold_to
from .wrapping import EpochKey


@dataclass(frozen=True, slots=True)
class CurrentEpoch:
    """The epoch that is written under: its 16-byte id and its number, from 1.

    ``index_state`` rises with what writers of searchable columns must know; ``reindexing``: columns
    are on their way, so that who writes them needs a transaction.
    """

    id: bytes
    number: int
    index_state: int
    reindexing: bool


class DataKeyHandle(msgspec.Struct, frozen=True):
    """A subject's data key: its 16-byte id, and the envelope that seals with it."""

    id: bytes
    envelope: Envelope

    def __repr__(self) -> str:
        return f"<DataKeyHandle {self.id.hex()}>"


@dataclass(frozen=True, slots=True)
class ColumnCiphers:
    """The ciphers of one searchable column: of all generations; those searched, newest first.

    ``moving``: it is on its way from the older of two to the newer. ``sought``: what values became
    that were looked up.
    """

    by_generation: dict[int, IndexCipher]
    live: tuple[IndexCipher, ...]
    moving: bool
    sought: RecentlyUsed[bytes, list[bytes]]


class Opened:
    """One reading of the tables and all that was opened since. Replaced as a whole, never mended.

    Whoever still works on an outdated one fills caches that nobody looks at any more, so no old key
    comes back after it was forgotten.
    """

    __slots__ = ("by_id", "by_subject", "checked_at", "columns", "current", "heads", "keys")

    def __init__(self, keys: OpenedKeys, checked_at: float) -> None:
        size = get_settings().MEMO_SIZE
        self.keys = keys
        self.checked_at = checked_at
        self.current = CurrentEpoch(
            keys.current.id,
            keys.current.number,
            keys.index_state,
            any(target is not None for _, target in keys.columns.values()),
        )
        self.heads: dict[tuple[bytes, str], HeadCipher] = {}
        self.columns: dict[tuple[str, str], ColumnCiphers] = {}
        self.by_subject: RecentlyUsed[str, DataKeyHandle] = RecentlyUsed(size)
        self.by_id: RecentlyUsed[bytes, Envelope] = RecentlyUsed(size)

    def epoch(self, epoch_id: bytes) -> EpochKey:
        """The key of an epoch.

        Raises:
            KeyUnavailable: it is not in this database, was retired, or never granted to us.
        """
        try:
            return self.keys.epochs[epoch_id]
        except KeyError:
            raise KeyUnavailable(
                f"epoch {epoch_id.hex()} is not in this database, or is closed to us"
            ) from None

    def keep(self, subject: str, id_: bytes, envelope: Envelope) -> DataKeyHandle:
        """Remember an opened data key."""
        handle = DataKeyHandle(id_, envelope)
        self.by_subject.put(subject, handle)
        self.by_id.put(id_, envelope)
        return handle

    def drop(self, ids: Set[bytes]) -> None:
        """Forget opened data keys."""
        self.by_id.drop(lambda id_, _: id_ in ids)
        self.by_subject.drop(lambda _, handle: handle.id in ids)


class _OfThread(threading.local):
    """Keys made in a transaction of this thread that is still open: nobody else can see them."""

    making: Standing | None = None
    opened: Opened | None = None


class Holder:
    """Reads the keys of one database when needed and keeps them until told otherwise.

    No lock is held while the database works: a thread that waits there for another's transaction
    must not keep that thread from finishing. Two threads may read at once; both read the truth.

    Args:
        alias: database alias.
    """

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._shared: Opened | None = None
        self._readings = 0
        self._lock = threading.Lock()
        self._own = _OfThread()

    def get(self) -> Opened:
        """What is open; read from the database, or made there, if it is not yet."""
        if self._own.making is None:
            return self._shared or self._read()
        return self._get_uncommitted()

    def get_checked(self) -> Opened:
        """As ``get``, and not older than ``JAZZAUTH["KEYS_MAX_AGE"]``.

        A look-up under an index key that the column has left would find nothing, and nobody would
        notice: it writes nothing, so that no condition of the database's stops it.
        """
        opened = (self._shared if self._own.making is None else None) or self.get()
        if time.monotonic() - opened.checked_at < get_settings().KEYS_MAX_AGE:
            return opened
        return self._check(opened)

    def _check(self, opened: Opened) -> Opened:
        connection = connections[self._alias]
        # Nothing can be asked in a transaction that failed; and where tests count queries, this one
        # is not theirs.
        if connection.needs_rollback or connection.force_debug_cursor:
            return opened
        began = time.monotonic()
        current = opened.current
        found = fetch_all(
            connection,
            "SELECT id, index_state FROM jazzauth_epoch WHERE superseded_at IS NULL",
            [],
        )
        if [(as_id(id_), state) for id_, state in found] == [(current.id, current.index_state)]:
            opened.checked_at = began
            return opened
        self.forget()
        return self.get()

    @property
    def reading(self) -> int:
        """How often everything was dropped so far."""
        return self._readings

    def forget(self) -> None:
        """Drop everything, so that the next call reads again."""
        with self._lock:
            self._readings += 1
            self._shared = None
        self._own.opened = None

    def _get_uncommitted(self) -> Opened:
        making = self._own.making
        if making is not None and making.still_stands():
            return self._own.opened or self._read()
        # Rolled back, or committed by now: what was made in it is gone, or there for all to read.
        self._own.making = self._own.opened = None
        return self._shared or self._read()

    def _read(self) -> Opened:
        with self._lock:
            reading = self._readings
        began = time.monotonic()
        worker = key_provider()
        keys = load_keys(self._alias, worker)
        if keys is None:
            with transaction.atomic(using=self._alias):
                self._own.making = Standing(self._alias, self._committed)
                made = make_first_epoch(self._alias, worker)
                keys = load_keys(self._alias, worker, being_made=True, made=made)
        if keys is None:
            raise KeyUnavailable(
                "The first epoch was made by another process, but this transaction began too early "
                "to see it. Try again in a new transaction."
            )
        hold_to(self._alias, worker, keys.anchor, keys.epochs)
        opened = Opened(keys, began)
        if self._own.making is not None and self._own.making.still_stands():
            self._own.opened = opened
            return opened
        with self._lock:
            if self._readings == reading:
                self._shared = opened
        return opened

    def _committed(self) -> None:
        self._own.making = None
        self._own.opened = None
