"""``bulk_create`` with conflict options, resolved row by row so that each outcome is an event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from .kinds import FoldedKind


def create_with_conflicts(
    queryset: Any,
    objs: list[Any],
    ignore: bool,
    update_fields: Sequence[str],
    unique_fields: Sequence[str],
) -> list[Any]:
    """Insert instances; where a unique value is taken, skip or update the row that holds it.

    Args:
        queryset: an event-sourced queryset.
        objs: the instances.
        ignore: skip instead of updating.
        update_fields: names of the fields to update.
        unique_fields: names of the fields whose conflict is meant; empty means any.
    """
    alias = queryset.db
    manager = queryset.model._base_manager
    fields = [f for f in queryset.model._meta.concrete_fields if not f.generated]
    with transaction.atomic(using=alias, savepoint=False):
        queryset._prepare_for_bulk_create(objs)
        for obj in objs:
            try:
                with transaction.atomic(using=alias):
                    manager.using(alias)._insert([obj], fields=fields, using=alias)
            except IntegrityError:
                holder = None if ignore else _holder(manager.using(alias), obj, unique_fields)
                if holder is None:
                    if ignore:
                        continue
                    raise
                manager.using(alias).filter(pk=holder).update(
                    **{name: getattr(obj, name) for name in update_fields}
                )
                obj.pk = holder
            obj._state.adding = False
            obj._state.db = alias
    return objs


def _holder(rows: Any, obj: Any, unique_fields: Sequence[str]) -> Any | None:
    """Primary key of the row that stands in the way."""
    if unique_fields:
        names = [["pk" if name == obj._meta.pk.name else name for name in unique_fields]]
    else:
        names = [["pk"]] + [
            [field.name]
            for field in obj._meta.concrete_fields
            if field.unique and not field.primary_key and not isinstance(field, FoldedKind)
        ]
    condition = Q()
    for group in names:
        values = {name: getattr(obj, name) for name in group}
        if all(value is not None for value in values.values()):
            condition |= Q(**values)
    if not condition:
        return None
    return rows.filter(condition).values_list("pk", flat=True).first()
