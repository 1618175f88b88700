"""Memory of rows that were opened and checked, keyed by their very bytes."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from django.core.signals import setting_changed

from ..conf import NAME, get_settings
from ..keys.destroying import data_keys_destroyed, keys_forgotten


class Memo:
    """A bounded map that forgets by generations.

    The key is everything that decides the answer (class, columns, time zone), so an entry can
    never be stale: a changed row has other bytes. Two plain dictionaries take turns, which keeps
    the look-up free of locks and of bookkeeping; an entry that was not used for a whole generation
    is dropped.
    """

    def __init__(self) -> None:
        self._young: dict[Hashable, Any] = {}
        self._old: dict[Hashable, Any] = {}

    def get(self, key: Hashable) -> Any | None:
        """The entry, or None."""
        entry = self._young.get(key)
        if entry is None:
            entry = self._old.get(key)
            if entry is not None:
                self._young[key] = entry
        return entry

    def put(self, key: Hashable, entry: Any) -> None:
        """Remember an entry, dropping the older generation when this one is full."""
        if len(self._young) >= max(get_settings().MEMO_SIZE // 2, 1):
            self._old = self._young
            self._young = {}
        self._young[key] = entry

    def drop(self, key: Hashable) -> None:
        """Forget an entry that nobody will ask for again: the row is no more what it was."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    def clear(self) -> None:
        """Forget everything, for instance after keys were destroyed."""
        self._young = {}
        self._old = {}


memo = Memo()


def _start_anew(*, setting: str, **kwargs: Any) -> None:
    # What another secret or another treatment of tampered rows let in is not known any more.
    if setting == NAME:
        memo.clear()


def _forget(**kwargs: Any) -> None:
    memo.clear()


data_keys_destroyed.connect(_forget, dispatch_uid="jazzauth.sealed.memo.shredded")
keys_forgotten.connect(_forget, dispatch_uid="jazzauth.sealed.memo.keys")
setting_changed.connect(_start_anew, dispatch_uid="jazzauth.sealed.memo")
