"""The rows that an update is about: their heads, and what each of them gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from django.db import connections, models

from ..errors import SealBroken
from .binding import Binding, Opened
from .codec import FieldCodec
from .evaluate import evaluate, names_in
from .kinds import SealedKind
from .load import check_columns
from .projection import streams_by_key

Row = tuple[Any, Opened, dict[str, Any]]
"""Primary key, head, attname to new value."""


def assigned_rows(
    binding: Binding,
    alias: str,
    queryset: Any,
    values: dict[str, Any],
    per_row: dict[str, dict[str, Any]] | None = None,
) -> tuple[list[Row], bool]:
    """As ``evaluated_rows``; in a tight loop where all rows get the same values.

    Returns:
        The rows, and whether their keys are as the driver gave them.
    """
    stream_of = streams_by_key(binding, connections[alias])
    computed = any(hasattr(value, "resolve_expression") for value in values.values())
    if per_row or computed or stream_of is None:
        return list(evaluated_rows(binding, alias, queryset, values, per_row)), False
    rows = queryset.order_by().values_list("pk", binding.head_field.attname)
    chunks = rows.query.get_compiler(using=alias).execute_sql()
    open_ = binding.opener(alias)
    found = chain.from_iterable(chunks)
    return [(key, open_(stream_of(key), blob), values) for key, blob in found], True


def evaluated_rows(
    binding: Binding,
    alias: str,
    queryset: Any,
    values: dict[str, Any],
    per_row: dict[str, dict[str, Any]] | None = None,
) -> Iterable[Row]:
    """Each row's key, head and new values.

    Args:
        binding: the model.
        alias: database alias.
        queryset: the rows.
        values: attname to new value or expression.
        per_row: further values for single rows, by the text of their primary key.
    """
    fixed = {n: v for n, v in values.items() if not hasattr(v, "resolve_expression")}
    in_python: dict[str, Any] = {}
    in_sql: dict[str, Any] = {}
    for attname, value in values.items():
        if attname in fixed:
            continue
        fields = [_field(binding, name) for name in names_in(value)]
        # A name that is no field is an annotation of the queryset, which only SQL can answer.
        only_sql = _has_query(value) or any(field is None for field in fields)
        sealed = isinstance(binding.codecs[attname].field, SealedKind) or any(
            isinstance(field, SealedKind) for field in fields
        )
        (in_python if sealed and not only_sql else in_sql)[attname] = value
    annotations = {
        f"sealed_{index}": _typed(value, binding.codecs[attname].field)
        for index, (attname, value) in enumerate(in_sql.items())
    }
    head = binding.head_field.attname
    used = _plain_codecs(binding, in_sql.values())
    rows = queryset.order_by().annotate(**annotations)
    rows = rows.values_list("pk", head, *annotations, *(codec.attname for codec in used))
    for pk, blob, *computed in rows.iterator(chunk_size=2000):
        opened = binding.open(alias, pk, blob)
        settled = dict(fixed)
        settled.update(zip(in_sql, computed, strict=False))
        if used:
            check_columns(binding, pk, opened, zip(used, computed[len(in_sql) :], strict=True))
        if per_row:
            settled.update(_row_values(binding, alias, pk, per_row[binding.pk_text(pk)]))
        if in_python:
            state = binding.values(opened.head.state)
            lookup = _by_name(binding, state, pk)
            for attname, value in in_python.items():
                settled[attname] = evaluate(value, lookup)
        yield pk, opened, settled


def _plain_codecs(binding: Binding, expressions: Iterable[Any]) -> list[FieldCodec]:
    # What the database computes with is checked, or a changed column would get into the head.
    names = {name.split("__")[0] for value in expressions for name in names_in(value)}
    return [
        codec
        for codec in binding.codecs.values()
        if {codec.name, codec.attname} & names and not isinstance(codec.field, SealedKind)
    ]


def _row_values(binding: Binding, alias: str, pk: Any, values: dict[str, Any]) -> dict[str, Any]:
    if not any(hasattr(value, "resolve_expression") for value in values.values()):
        return values
    rows = binding.model._base_manager.using(alias).filter(pk=pk)
    return next(iter(evaluated_rows(binding, alias, rows, values)))[2]


def _typed(value: Any, field: Any) -> Any:
    if isinstance(field, SealedKind):
        return value
    return models.ExpressionWrapper(value, output_field=field)


def _has_query(value: Any) -> bool:
    return any(isinstance(part, models.Subquery) for part in _walk(value))


def _walk(value: Any) -> Iterable[Any]:
    yield value
    if hasattr(value, "get_source_expressions"):
        for part in value.get_source_expressions():
            if part is not None:
                yield from _walk(part)


def _field(binding: Binding, name: str) -> Any:
    for codec in binding.codecs.values():
        if name in (codec.name, codec.attname):
            return codec.field
    return None


def _by_name(binding: Binding, values: dict[str, Any], pk: Any) -> Callable[[str], Any]:
    def lookup(name: str) -> Any:
        if name in ("pk", binding.pk.name, binding.pk.attname):
            return pk
        field = _field(binding, name)
        if field is None:
            raise SealBroken(binding.entity, f"no field {name!r} to evaluate an expression with")
        return values[field.attname]

    return lookup
