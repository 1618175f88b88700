"""Making a model class event-sourced once it is complete: managers, signals, member tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.db import models
from django.db.models.options import Options
from django.db.models.signals import class_prepared

from .deletion import follow_target, journal_deletions
from .members import ThroughQuerySet, source_field, sync_members
from .on_delete import follow_foreign_keys
from .projector import register_model
from .queryset import EventStoreManager, EventStoreQuerySet, journalled_queryset


@cache
def _manager_class(original: type[Any], queryset_class: type[Any]) -> type[Any]:
    """A manager class like ``original`` that hands out ``queryset_class``.

    A class rather than an attribute, because related managers derive from it; under the original's
    name and equal to it, because migrations compare and name managers.
    """

    def __eq__(self: Any, other: Any) -> bool:  # noqa: N807 - of the new class
        return isinstance(other, original) and bool(
            self._constructor_args == other._constructor_args
        )

    return type(
        original.__name__,
        (original,),
        {
            "__module__": original.__module__,
            "__qualname__": original.__qualname__,
            "__eq__": __eq__,
            "__hash__": original.__hash__,
            "_queryset_class": queryset_class,
        },
    )


def _remake_managers(model: Any, queryset_for: Callable[[type[Any]], type[Any]]) -> None:
    """Let every manager of the class hand out querysets that journal, in the same order."""
    meta = model._meta
    managers = list(meta.managers)
    if all(queryset_for(m._queryset_class) is m._queryset_class for m in managers):
        return
    meta.local_managers.clear()
    for place, manager in enumerate(managers):
        queryset_class = queryset_for(manager._queryset_class)
        if queryset_class is not manager._queryset_class:
            plain = type(manager) is models.Manager and queryset_class is EventStoreQuerySet
            manager.__class__ = (
                EventStoreManager if plain else _manager_class(type(manager), queryset_class)  # type: ignore[arg-type]
            )
        manager.creation_counter = place
        model.add_to_class(manager.name, manager)
    meta._expire_cache()


def _set_base_manager(model: Any, manager: Any) -> None:
    meta = model._meta
    if meta.base_manager_name is not None:
        return
    manager.name = "_base_manager"
    manager.model = model
    manager.auto_created = True
    meta.base_manager = manager
    # Options forgets cached managers whenever a related model is added; this one has to stay. It
    # is not put in through Meta, since it must hold for historical models and stay out of
    # migrations.
    meta.FORWARD_PROPERTIES = Options.FORWARD_PROPERTIES - {"base_manager"}


def _prepare(sender: Any, **kwargs: Any) -> None:
    meta = sender._meta
    if meta.abstract or meta.swapped or "sealed_head" not in meta.concrete_model._meta.__dict__:
        return
    _remake_managers(sender, journalled_queryset)
    _set_base_manager(sender, EventStoreManager())
    if sender.__module__ != "__fake__" and not meta.proxy:  # not a model of a migration's past
        register_model(sender)
    journal_deletions(sender)
    if not meta.proxy:
        follow_foreign_keys(sender)
    for field in meta.local_many_to_many:
        through = field.remote_field.through
        if isinstance(through, type) and through._meta.auto_created:  # type: ignore[attr-defined]
            _prepare_through(through)
            if sender.__module__ != "__fake__":
                follow_target(through)


def _prepare_through(through: Any) -> None:
    """Journal every write of a many-to-many table that Django made."""
    _remake_managers(through, lambda _: ThroughQuerySet)
    _set_base_manager(through, models.Manager.from_queryset(ThroughQuerySet)())

    def delete(self: Any, using: str | None = None, keep_parents: bool = False) -> Any:
        alias = using or self._state.db or "default"
        source = getattr(self, source_field(through).attname)
        result = models.Model.delete(self, using=using, keep_parents=keep_parents)
        sync_members(through, alias, {source})
        return result

    through.delete = delete


class_prepared.connect(_prepare, dispatch_uid="jazzauth_prepare")
