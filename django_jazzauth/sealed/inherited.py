"""Writes through a child table's model: each table of the inheritance has rows and streams."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def split_by_table(model: Any, names: Iterable[str]) -> tuple[list[str], dict[Any, list[str]]]:
    """Which of the fields are columns of the model's own table, and which of a parent's.

    Args:
        model: the model that is written through.
        names: of fields.

    Returns:
        The own ones, and the others by the parent that has them.
    """
    own: list[str] = []
    inherited: dict[Any, list[str]] = {}
    for name in names:
        owner = model._meta.get_field(name).model._meta.concrete_model
        if owner is model._meta.concrete_model:
            own.append(name)
        else:
            inherited.setdefault(owner, []).append(name)
    return own, inherited


def rows_of_parents(queryset: Any, parents: Iterable[Any]) -> dict[Any, Any]:
    """The parents' rows that belong to the rows of a queryset, read before anything is written.

    Args:
        queryset: of the child.
        parents: the parents' models.
    """
    found = {}
    for parent in parents:
        keys = list(queryset.order_by().values_list(parent._meta.pk.name, flat=True))
        found[parent] = parent._base_manager.using(queryset.db).filter(pk__in=keys)
    return found


def as_parents(objs: Iterable[Any], parent: Any, names: Iterable[str]) -> list[Any]:
    """Instances of a parent with some of the values of a child's instances."""
    attnames = [parent._meta.get_field(name).attname for name in names]
    attnames.append(parent._meta.pk.attname)
    return [parent(**{name: getattr(obj, name) for name in attnames}) for obj in objs]
