"""``save()`` of an instance that is certainly new, or has a row, without making a queryset."""

from __future__ import annotations

from typing import Any

from .binding import Binding
from .insert import PLAIN, insert_objects
from .saving_plan import saving_plan
from .update import update_instance


def save_shortly(
    binding: Binding,
    alias: str,
    obj: Any,
    *,
    force_insert: bool,
    force_update: bool,
    update_fields: Any,
) -> bool | None:
    """What Django's ``Model._save_table`` comes to in the usual cases.

    Args:
        binding: the model whose table is written.
        alias: database alias.
        obj: the instance.
        force_insert: as for ``save``.
        force_update: likewise.
        update_fields: likewise.

    Returns:
        Whether there was a row; None where nothing was done, for Django to find out what is to do.
    """
    plan = saving_plan(binding)
    if not plan.is_ordinary:
        return None
    if not obj._state.adding and not force_insert:
        return _save_stored(binding, alias, obj, force_update, update_fields)
    if force_update or update_fields or not (force_insert or plan.makes_keys):
        return None
    return False if _insert_new(binding, alias, obj) else None


def _save_stored(
    binding: Binding, alias: str, obj: Any, force_update: bool, update_fields: Any
) -> bool | None:
    pk = getattr(obj, binding.pk.attname)
    deciding = saving_plan(binding).deciding
    values = {}
    # Before any field is asked for what to write: that may be more than a question.
    for attname, codec in binding.codecs.items():
        if update_fields and codec.field.name not in update_fields and attname not in update_fields:
            continue
        values[attname] = value = getattr(obj, attname)
        if type(value) not in PLAIN and hasattr(value, "resolve_expression"):
            return None
    if pk is None or not values:
        return None
    for attname in deciding & values.keys():
        values[attname] = binding.codecs[attname].field.pre_save(obj, False)
    if update_instance(binding, alias, obj, pk, values):
        return True
    if force_update or update_fields:
        return None  # Django says what is wrong
    insert_objects(binding, alias, [obj], saving_plan(binding).fields, raw=False)
    return False


def _insert_new(binding: Binding, alias: str, obj: Any) -> bool:
    key = binding.pk
    if getattr(obj, key.attname) is None:
        setattr(obj, key.attname, key.get_pk_value_on_save(obj))
    if hasattr(getattr(obj, key.attname), "resolve_expression"):
        return False
    insert_objects(binding, alias, [obj], saving_plan(binding).fields, raw=False)
    return True
