"""The rows of all projections, to compare before and after."""

from __future__ import annotations

from typing import Any

from django.db import connection

from django_jazzauth.store.registry import projectors


def tables() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every projection, many-to-many tables included (those without their own key)."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for projector in projectors():
        meta = projector.model._meta
        found[meta.db_table] = _rows(
            meta.db_table, [field.column for field in meta.local_concrete_fields]
        )
        for member in meta.local_many_to_many:
            through = member.remote_field.through._meta
            columns = [f.column for f in through.local_concrete_fields if not f.primary_key]
            found[through.db_table] = _rows(through.db_table, columns)
    return found


def _rows(table: str, columns: list[str]) -> list[tuple[Any, ...]]:
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(map(quote, columns))} FROM {quote(table)}")
        rows = [
            tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
            for row in cursor.fetchall()
        ]
    return sorted(rows, key=repr)
