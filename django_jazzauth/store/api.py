"""The store's public face: ``from django_jazzauth.store import store``."""

from __future__ import annotations

import datetime
from typing import Any

from . import history as _history
from .events import Event
from .rebuild import Progress as RebuildProgress
from .rebuild import rebuild as _rebuild
from .shred import Receipt
from .shred import shred as _shred
from .verify import Progress as VerifyProgress
from .verify import Report
from .verify import verify as _verify


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
        """Bring a deleted entity back; see ``store.history.restore``."""
        return _history.restore(model, pk, using=using)

    def shred(self, instance: Any, *, pk: Any = None, using: str | None = None) -> Receipt:
        """Forget a person for good; see ``store.shred.shred``."""
        return _shred(instance, pk=pk, using=using)

    def verify(self, *, using: str = "default", progress: VerifyProgress | None = None) -> Report:
        """Check the log and the projections; see ``store.verify.verify``."""
        return _verify(using, progress)

    def rebuild(
        self,
        *,
        using: str = "default",
        progress: RebuildProgress | None = None,
        drop_unlogged: bool = False,
    ) -> dict[str, int]:
        """Make the projections again from the log; see ``store.rebuild.rebuild``."""
        return _rebuild(using, progress, drop_unlogged)


store = Store()
