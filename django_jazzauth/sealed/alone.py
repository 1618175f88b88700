"""Deleting one row that nothing refers to: the signals and the statement, without collecting."""

from __future__ import annotations

from typing import Any

from django.db import connections, router, transaction
from django.db.models.deletion import get_candidate_relations_to_delete
from django.db.models.signals import post_delete, pre_delete

from ..drivers import execute
from .binding import binding_of, require_binding
from .projection import names_of, pk_param


def stands_alone(model: Any) -> bool:
    """Whether no other table can refer to rows of ``model``, so that nothing goes with them."""
    meta = model._meta
    return (
        binding_of(model) is not None
        and not meta.parents
        and not any(get_candidate_relations_to_delete(meta))
        and not any(hasattr(field, "bulk_related_objects") for field in meta.private_fields)
    )


def delete_alone(instance: Any, using: str | None = None) -> tuple[int, dict[str, int]]:
    """What Django's ``delete()`` does for an instance of a model that stands alone.

    Args:
        instance: with a primary key.
        using: database alias; by the routers otherwise.

    Returns:
        The number of rows, in all and by model.
    """
    model = type(instance)
    alias = using or router.db_for_write(model, instance=instance)
    binding = require_binding(model)
    connection = connections[alias]
    table, key, _head = names_of(binding, connection)
    told = {"sender": model, "instance": instance, "using": alias, "origin": instance}
    with transaction.atomic(using=alias, savepoint=False):
        pre_delete.send(**told)
        param = pk_param(binding, connection, instance.pk)
        count = execute(connection, f"DELETE FROM {table} WHERE {key} = %s", [param])  # noqa: S608
        post_delete.send(**told)
    setattr(instance, model._meta.pk.attname, None)
    return count, {model._meta.label: count} if count else {}
