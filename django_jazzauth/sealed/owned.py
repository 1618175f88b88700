"""What belongs to a person, and notes in a stream: what shredding needs of a model."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from .binding import Binding
from .projection import select_head
from .record import Change, record

_TRIES = 100


def note_event(binding: Binding, alias: str, pk: Any, type_: str) -> bool:
    """Append an event of a type of its own with the state as it is.

    Args:
        binding: the model.
        alias: database alias.
        pk: primary key of the row.
        type_: type of the event.

    Returns:
        Whether it was written; not if the row is gone.

    Raises:
        SealBroken: the row was tampered with.
    """
    with transaction.atomic(using=alias, savepoint=False):
        for _ in range(_TRIES):
            blob = select_head(binding, alias, pk)
            if blob is None:
                return False
            change = Change(pk, binding.open(alias, pk, blob), {})
            if record(binding, alias, [change], type_)[0] is not None:
                return True
    return False


def remove_owned(binding: Binding, alias: str, owner: Any, pk: Any) -> dict[str, int]:
    """Delete the rows whose subject is a person, whatever their foreign key says of deletions.

    Args:
        binding: the model.
        alias: database alias.
        owner: the person's model class.
        pk: their key.

    Returns:
        Label of a model to the number of rows deleted.
    """
    field = binding.subject_field
    if field is None or field.remote_field.model._meta.concrete_model is not owner:
        return {}
    rows = binding.model._base_manager.using(alias).filter(**{field.attname: pk})
    deleted: dict[str, int] = rows.delete()[1]
    return deleted
