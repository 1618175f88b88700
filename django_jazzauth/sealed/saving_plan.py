"""What ``save()`` has to know of a model, found out once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models

from .binding import Binding


@dataclass(frozen=True, slots=True)
class SavingPlan:
    """How instances of a model are saved.

    Attributes:
        fields: those of the model's own table that are written: all but generated columns.
        deciding: attnames of the fields whose ``pre_save`` may give another value than the
            instance's.
        is_ordinary: the database tells nothing of a row that is written, but its automatic key.
        makes_keys: a new instance has a key that no row has.
    """

    fields: tuple[Any, ...]
    deciding: frozenset[str]
    is_ordinary: bool
    makes_keys: bool


def saving_plan(binding: Binding) -> SavingPlan:
    """The plan of a model."""
    plan: SavingPlan | None = binding.__dict__.get("saving_plan")
    if plan is None:
        plan = binding.__dict__["saving_plan"] = _made(binding)
    return plan


def _made(binding: Binding) -> SavingPlan:
    meta: Any = binding.model._meta
    fields = tuple(field for field in meta.local_concrete_fields if not field.generated)
    key = binding.pk
    return SavingPlan(
        fields=fields,
        deciding=frozenset(field.attname for field in fields if _decides(field)),
        is_ordinary=len(fields) == len(meta.local_concrete_fields)
        and all(field is key for field in meta.db_returning_fields)
        and not meta.order_with_respect_to,
        makes_keys=bool(key.has_default() or key.has_db_default()),
    )


def _decides(field: Any) -> bool:
    of_class = type(field).pre_save
    if of_class in (models.DateTimeField.pre_save, models.DateField.pre_save):
        return bool(field.auto_now or field.auto_now_add)
    return of_class is not models.Field.pre_save
