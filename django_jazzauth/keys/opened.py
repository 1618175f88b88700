"""What a process has opened of a database's keys, and how long it may rely on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Set
from dataclasses import dataclass, field

from django.db import connections, transaction

from ..conf import get_settings
from ..crypto.envelope import Envelope, HeadCipher
from ..crypto.index_cipher import IndexCipher
from ..errors import KeyUnavailable
from .cache import RecentlyUsed
from .first_epoch import make_first_epoch
from .loading import OpenedKeys, load_keys
from .source import key_provider
from .wrapping import EpochKey


@dataclass(frozen=True, slots=True)
class CurrentEpoch:
    """The epoch that is written under: its 16-byte id and its number, from 1."""

    id: bytes
    number: int


@dataclass(frozen=True, slots=True)
class DataKeyHandle:
    """A subject's data key: its 16-byte id, and the envelope that seals with it."""

    id: bytes
    envelope: Envelope = field(repr=False)


@dataclass(frozen=True, slots=True)
class ColumnCiphers:
    """The ciphers of one searchable column: of all generations; the live ones newest first."""

    by_generation: dict[int, IndexCipher]
    live: tuple[IndexCipher, ...]


class Opened:
    """One reading of the tables and all that was opened since. Replaced as a whole, never mended.

    Whoever still works on an outdated one fills caches that nobody looks at any more, so no old key
    comes back after it was forgotten.
    """

    __slots__ = ("by_id", "by_subject", "columns", "current", "heads", "keys")

    def __init__(self, keys: OpenedKeys) -> None:
        size = get_settings().MEMO_SIZE
        self.keys = keys
        self.current = CurrentEpoch(keys.current.id, keys.current.number)
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


class _Making:
    """Tells whether the transaction in which the keys were made can still be rolled back.

    Django drops the commit hooks of a transaction, or savepoint, that is rolled back. So the keys
    stand as long as the hook does; finding out takes neither a lock nor a query.
    """

    def __init__(self, alias: str, on_commit: Callable[[], None]) -> None:
        self._alias = alias

        def hook() -> None:
            # A test's captureOnCommitCallbacks also calls the hooks of what it will roll back.
            if not connections[alias].in_atomic_block:
                on_commit()

        self._hook = hook
        transaction.on_commit(hook, using=alias)

    def still_stands(self) -> bool:
        return any(entry[1] is self._hook for entry in connections[self._alias].run_on_commit)


class _OfThread(threading.local):
    """Keys made in a transaction of this thread that is still open: nobody else can see them."""

    making: _Making | None = None
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
        if self._own.making is not None:
            return self._get_uncommitted()
        return self._shared or self._read()

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
        worker = key_provider()
        keys = load_keys(self._alias, worker)
        if keys is None:
            with transaction.atomic(using=self._alias):
                self._own.making = _Making(self._alias, self._committed)
                make_first_epoch(self._alias, worker)
                keys = load_keys(self._alias, worker, being_made=True)
        if keys is None:
            raise KeyUnavailable(
                "The first epoch was made by another process, but this transaction began too early "
                "to see it. Try again in a new transaction."
            )
        opened = Opened(keys)
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
