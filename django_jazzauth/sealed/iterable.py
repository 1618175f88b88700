"""Iterating over whole rows: known rows skip the converters, all rows skip ``Model.__init__``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.db import connections
from django.db.models import query as query_module
from django.db.models.query import ModelIterable

from .binding import binding_of
from .load import row_loader
from .point import NOTHING_DEFERRED
from .read_plan import read_plan

# From Django 6.1 on: how much is fetched when a missing field or relation is asked for.
_USUAL_FETCH_MODE = getattr(query_module, "DEFAULT_FETCH_MODE", None)


class SealedModelIterable(ModelIterable):  # type: ignore[type-arg]
    """Yields the instances of an event-sourced queryset.

    Rows that come with anything but their own columns (``select_related``, annotations, deferred
    fields, parents' tables) take Django's way, and are opened in ``from_db``.
    """

    def __iter__(self) -> Iterator[Any]:
        queryset = self.queryset
        if not _only_own_columns(queryset):
            yield from super().__iter__()
            return
        model = queryset.model
        alias = queryset.db
        binding = binding_of(model)
        assert binding is not None
        connection = connections[alias]
        plan = read_plan(binding, connection)
        compiler = queryset.query.get_compiler(using=alias)
        chunks = compiler.execute_sql(chunked_fetch=self.chunked_fetch, chunk_size=self.chunk_size)
        load = row_loader(model, connection, plan.names, plan.convert)
        for row in chain.from_iterable(chunks):
            yield load(row)


def _only_own_columns(queryset: Any) -> bool:
    query = queryset.query
    return not (
        query.select_related
        or query.annotations
        or query.extra
        or query.combinator
        or query.deferred_loading != NOTHING_DEFERRED
        or queryset._known_related_objects
        or getattr(queryset, "_fetch_mode", None) is not _USUAL_FETCH_MODE
        or queryset.model._meta.concrete_model._meta.parents
    )
