"""``save()`` of an instance that is certainly new, or has a row, without making a queryset."""

from __future__ import annotations

from typing import Any

from .binding import Binding
from .insert import insert_objects
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
        return True if _save_stored(binding, alias, obj, update_fields) else None
    if force_update or update_fields or not (force_insert or plan.makes_keys):
        return None
    return False if _insert_new(binding, alias, obj) else None


def _save_stored(binding: Binding, alias: str, obj: Any, update_fields: Any) -> bool:
    pk = getattr(obj, binding.pk.attname)
    deciding = saving_plan(binding).deciding
    wanted = {}
    for attname, codec in binding.codecs.items():
        if update_fields and codec.field.name not in update_fields and attname not in update_fields:
            continue
        value = codec.field.pre_save(obj, False) if attname in deciding else getattr(obj, attname)
        if hasattr(value, "resolve_expression"):
            return False
        wanted[attname] = value
    return bool(wanted) and pk is not None and update_instance(binding, alias, obj, pk, wanted)


def _insert_new(binding: Binding, alias: str, obj: Any) -> bool:
    key = binding.pk
    if getattr(obj, key.attname) is None:
        setattr(obj, key.attname, key.get_pk_value_on_save(obj))
    if hasattr(getattr(obj, key.attname), "resolve_expression"):
        return False
    insert_objects(binding, alias, [obj], saving_plan(binding).fields, raw=False)
    return True
