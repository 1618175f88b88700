"""The store's public face: ``from django_jazzauth.store import store``."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from . import history as _history
from .checkpoints import Taken
from .checkpoints import take as _take
from .compaction import Compacted
from .compaction import Progress as CompactProgress
from .compaction import compact as _compact
from .events import Event
from .history import Restored
from .rebuild import Progress as RebuildProgress
from .rebuild import rebuild as _rebuild
from .shred import Receipt
from .shred import shred as _shred
from .verify import Progress as VerifyProgress
from .verify import Report
from .verify import verify as _verify
from .waiting import Tier
from .waiting import wait as _wait


class Store:
    """What can be asked of the log. See the functions it calls for details."""

    def history(self, instance: Any, *, pk: Any = None, using: str | None = None) -> list[Event]:
        """Every event of an entity, oldest first; see ``store.history.history``."""
        return _history.history(instance, pk=pk, using=using)

    def as_of(
        self, instance: Any, when: datetime.datetime, *, pk: Any = None, using: str | None = None
    ) -> Any:
        """The entity as it was; see ``store.history.as_of``."""
        return _history.as_of(instance, when, pk=pk, using=using)

    def restore(self, model: Any, pk: Any, *, using: str | None = None) -> Any:
        """Bring a deleted entity back, with what was deleted along; see ``store.history``."""
        return _history.restore(model, pk, using=using)

    def restore_all(self, model: Any, pk: Any, *, using: str | None = None) -> Restored:
        """The same, and tell what came back; see ``store.history.restore_all``."""
        return _history.restore_all(model, pk, using=using)

    def shred(self, instance: Any, *, pk: Any = None, using: str | None = None) -> Receipt:
        """Forget a person for good; see ``store.shred.shred``."""
        return _shred(instance, pk=pk, using=using)

    def verify(
        self,
        *,
        using: str = "default",
        progress: VerifyProgress | None = None,
        checkpoints: Sequence[str] = (),
        processes: int = 1,
    ) -> Report:
        """Check the log and the projections; see ``store.verify.verify``."""
        return _verify(using, progress, checkpoints, processes)

    def checkpoint(self, *, using: str = "default") -> Taken:
        """Sign what the log contains now; see ``store.checkpoints.take``."""
        return _take(using)

    def compact(
        self,
        *,
        using: str = "default",
        progress: CompactProgress | None = None,
        dry_run: bool = False,
    ) -> dict[str, Compacted]:
        """Drop what is older than its retention; see ``store.compaction.compact``."""
        return _compact(using, progress, dry_run)

    def rebuild(
        self,
        *,
        using: str = "default",
        progress: RebuildProgress | None = None,
        drop_unlogged: bool = False,
    ) -> dict[str, int]:
        """Make the projections again from the log; see ``store.rebuild.rebuild``."""
        return _rebuild(using, progress, drop_unlogged)

    def wait(
        self, target: Any = None, *, tier: Tier, timeout: float = 10.0, using: str = "default"
    ) -> None:
        """Return when a committed write is as safe as asked for; see ``store.waiting.wait``."""
        _wait(target, tier=tier, timeout=timeout, using=using)


store = Store()
