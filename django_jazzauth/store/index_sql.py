"""SQL on the columns that hold searchable values."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import merge
from itertools import groupby, islice

from django.db import connections

from ..drivers import as_octets
from .registry import IndexedColumn

Span = tuple[bytes, bytes]


def count_within(alias: str, column: IndexedColumn, span: Span) -> int:
    """How many fields of rows hold a ciphertext between two, neither of them included."""
    count = 0
    for table, name in column.places:
        with connections[alias].cursor() as cursor:
            cursor.execute(
                f"SELECT COUNT(*) FROM {table} WHERE {name} > %s AND {name} < %s",  # noqa: S608
                span,
            )
            count += cursor.fetchone()[0]
    return count


def next_within(alias: str, column: IndexedColumn, span: Span, limit: int) -> list[bytes]:
    """The lowest ciphertexts between two, each once, in order.

    Args:
        alias: database alias.
        column: where.
        span: the two, neither of them included.
        limit: how many at most.
    """
    found = []
    for table, name in column.places:
        with connections[alias].cursor() as cursor:
            cursor.execute(
                f"SELECT DISTINCT {name} FROM {table} "  # noqa: S608 - quoted names
                f"WHERE {name} > %s AND {name} < %s ORDER BY {name} LIMIT {int(limit)}",
                span,
            )
            found.append([as_octets(row[0]) for row in cursor.fetchall()])
    return list(islice((value for value, _ in groupby(merge(*found))), limit))


def replace_values(alias: str, column: IndexedColumn, pairs: Sequence[tuple[bytes, bytes]]) -> int:
    """Put other ciphertexts in the place of some, in every row; how many fields it was.

    Args:
        alias: database alias; the caller holds a transaction on it.
        column: where.
        pairs: old and new; at least one.
    """
    connection = connections[alias]
    if len(column.places) > 1 and connection.vendor == "mysql":
        # Elsewhere foreign keys are looked at when the transaction ends.
        with connection.constraint_checks_disabled():
            return _replace(alias, column, pairs)
    return _replace(alias, column, pairs)


def _replace(alias: str, column: IndexedColumn, pairs: Sequence[tuple[bytes, bytes]]) -> int:
    connection = connections[alias]
    count = 0
    for table, name in column.places:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(
                    f"UPDATE {table} SET {name} = v.new FROM "  # noqa: S608 - quoted names
                    "unnest(%s::bytea[], %s::bytea[]) v(old, new) "
                    f"WHERE {table}.{name} = v.old",
                    [list(values) for values in zip(*pairs, strict=True)],
                )
            else:
                cursor.executemany(
                    f"UPDATE {table} SET {name} = %s WHERE {name} = %s",  # noqa: S608
                    [(new, old) for old, new in pairs],
                )
            count += cursor.rowcount
    return count
