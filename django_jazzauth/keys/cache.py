"""A bounded cache: what was used last stays."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class RecentlyUsed(Generic[Key, Value]):
    """A thread-safe mapping that drops what was not used for longest.

    Args:
        size: entries kept at most; 0 keeps none.
    """

    __slots__ = ("_entries", "_lock", "_size")

    def __init__(self, size: int) -> None:
        self._entries: OrderedDict[Key, Value] = OrderedDict()
        self._lock = threading.Lock()
        self._size = size

    def get(self, key: Key) -> Value | None:
        """The value, or None."""
        with self._lock:
            value = self._entries.get(key)
            if value is not None:
                self._entries.move_to_end(key)
            return value

    def put(self, key: Key, value: Value) -> None:
        """Keep a value, and drop the oldest if there are too many."""
        with self._lock:
            self._entries[key] = value
            self._entries.move_to_end(key)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def drop(self, unwanted: Callable[[Key, Value], bool]) -> None:
        """Forget the entries that a condition is true of."""
        with self._lock:
            for key in [key for key, value in self._entries.items() if unwanted(key, value)]:
                del self._entries[key]

    def __len__(self) -> int:
        return len(self._entries)
