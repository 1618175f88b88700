"""Deleting one row that nothing refers to: the signals and the statement, without collecting."""

from __future__ import annotations

from typing import Any

from django.db import connections, models, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.deletion import get_candidate_relations_to_delete
from django.db.models.signals import post_delete, pre_delete

from ..drivers import execute, fetch_all
from .binding import binding_of, require_binding
from .projection import names_of, pk_param

_KEPT = "sealed_referring"


def deletes_alone(instance: Any, using: str) -> bool:
    """Whether nothing would be deleted or changed along with an instance of a model.

    Django looks into each table that may refer to the row, with a query that it builds for the
    occasion. Here it is one statement for all of them. Where one does refer, or somebody listens
    who might let it do so, it is Django's to decide what follows.

    Args:
        instance: with a primary key.
        using: database alias.
    """
    model = type(instance)
    binding = binding_of(model)
    if binding is None:
        return False
    referring = _referring(model)
    if not referring:
        return referring is not None
    if any(len(receivers) > count for receivers, count in _listeners(model)):
        return False
    connection = connections[using]
    param = pk_param(binding, connection, instance.pk)
    sql = _sql(model, connection, referring)
    return not fetch_all(connection, sql, [param] * len(referring))[0][0]


def _listeners(model: Any) -> list[tuple[Any, int]]:
    """Who listens before a deletion, in step and not, each with how many of them are our own."""
    in_step, apart = pre_delete._live_receivers(model)
    return [(in_step, 1), (apart, 0)]


def _referring(model: Any) -> tuple[Any, ...] | None:
    """The foreign keys that may refer to rows of ``model``; None: others can, or it has parents.

    Those that Django leaves as they are do not count.
    """
    meta = model._meta
    fields = meta.get_fields(include_hidden=True)  # the same object until some model is added
    kept = meta.__dict__.get(_KEPT)
    if kept is None or kept[0] is not fields:
        kept = meta.__dict__[_KEPT] = (fields, _found(meta))
    found: tuple[Any, ...] | None = kept[1]
    return found


def _found(meta: Any) -> tuple[Any, ...] | None:
    if meta.parents or any(hasattr(field, "bulk_related_objects") for field in meta.private_fields):
        return None
    relations: Any = get_candidate_relations_to_delete(meta)
    found = [
        relation.field
        for relation in relations
        if relation.field.remote_field.on_delete is not models.DO_NOTHING
    ]
    if all(isinstance(field, models.ForeignKey) and _to_key(field) for field in found):
        return tuple(found)
    return None


def _to_key(field: Any) -> bool:
    return bool(field.column and field.target_field.primary_key)


def _sql(model: Any, connection: BaseDatabaseWrapper, referring: tuple[Any, ...]) -> str:
    made: dict[Any, str] = require_binding(model).__dict__.setdefault("referred", {})
    sql = made.get((connection.vendor, referring))
    if sql is None:
        quote = connection.ops.quote_name
        looks = [
            f"EXISTS (SELECT 1 FROM {quote(field.model._meta.db_table)} "  # noqa: S608 - quoted names
            f"WHERE {quote(field.column)} = %s)"
            for field in referring
        ]
        sql = f"SELECT {' OR '.join(looks)}"
        made[connection.vendor, referring] = sql
    return sql


def delete_alone(instance: Any, using: str) -> tuple[int, dict[str, int]]:
    """What Django's ``delete()`` does for an instance of which ``deletes_alone`` is true.

    Args:
        instance: with a primary key.
        using: database alias.

    Returns:
        The number of rows, in all and by model.
    """
    model = type(instance)
    binding = require_binding(model)
    connection = connections[using]
    table, key, _head = names_of(binding, connection)
    told = {"sender": model, "instance": instance, "using": using, "origin": instance}
    with transaction.atomic(using=using, savepoint=False):
        pre_delete.send(**told)
        param = pk_param(binding, connection, instance.pk)
        count = execute(connection, f"DELETE FROM {table} WHERE {key} = %s", [param])  # noqa: S608
        post_delete.send(**told)
    setattr(instance, model._meta.pk.attname, None)
    return count, {model._meta.label: count} if count else {}


def database_of(instance: Any, using: str | None) -> str:
    """The alias that an instance is deleted in: the given one, or the one of the routers."""
    return using or router.db_for_write(type(instance), instance=instance)
