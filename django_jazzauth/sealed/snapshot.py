"""What an instance knows of its entity: which head it stands on, and what its values were then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .binding import Binding, Opened, loading_binding


@dataclass  # without slots, so that every pickle protocol takes it
class Snapshot:
    """What an instance knows of its entity: the head it was loaded from, and its values then.

    Attributes:
        alias: the database.
        pk: the primary key at that time.
        opened: the head.
        values: attname to the value that the instance had, to tell what it changed; None: those of
            the head, which are made when they are asked for (``values_then``).
        of_head: whether ``values`` are known to be those of the head, and of no older one.
        earlier: what it knew before it was saved last, in case that is rolled back.
    """

    alias: str
    pk: Any
    opened: Opened
    values: dict[str, Any] | None = field(repr=False)
    earlier: tuple[Snapshot, ...] = field(default=(), repr=False)
    of_head: bool = False


def snapshot_of(instance: Any, binding: Binding | None = None) -> Snapshot | None:
    """What the instance was loaded from, or last saved as.

    Args:
        instance: the instance.
        binding: of the table that is meant; without one, the instance's own.
    """
    state = instance._state.__dict__
    snapshot: Snapshot | None = state.get("sealed")
    if binding is not None and not _is_own(instance, binding):
        snapshot = state.get("sealed_parents", {}).get(binding.entity)
    return snapshot


def _is_own(instance: Any, binding: Binding) -> bool:
    """Whether the binding opens the instance's rows; else it is that of another of its tables."""
    model = type(instance)
    return model._meta.concrete_model is binding.model or binding is loading_binding(model)


def values_then(snapshot: Snapshot | None, binding: Binding) -> dict[str, Any]:
    """Attname to the value that an instance had when it was loaded or saved last."""
    if snapshot is None:
        return {}
    if snapshot.values is None:
        snapshot.values = binding.values(snapshot.opened.head.state)
    return snapshot.values


def set_snapshot(instance: Any, binding: Binding, snapshot: Snapshot) -> None:
    """Let the instance stand on a head of one of its tables."""
    if _is_own(instance, binding):
        instance._state.sealed = snapshot
    else:
        parents = instance._state.__dict__.get("sealed_parents", {})
        instance._state.sealed_parents = {**parents, binding.entity: snapshot}
