"""The event table in hash partitions (PostgreSQL), by stream.

A unique constraint of a partitioned table must hold the columns that it is partitioned by. By
stream, ``(stream, version)`` still does, which is what keeps two writers from appending the same
version; and every statement that names a stream reads one partition. By time it could not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction

from ..errors import StoreError
from .models import EVENT_TABLE

MOST = 128


@dataclass(frozen=True, slots=True)
class _Table:
    """A table as it stands in PostgreSQL's catalogue, in statements that make it again."""

    partitions: int
    constraints: list[tuple[str, str]]
    indexes: list[str]
    identity: str | None
    grants: list[tuple[str, str, bool]]


def partition_log(using: str, count: int) -> int:
    """Spread the event table over hash partitions by stream, or over another number of them.

    One transaction that copies every event; readers and writers wait until it is over. Positions,
    events and rights stay what they are.

    Args:
        using: database alias; no transaction should be open on it.
        count: partitions, 2 to 1024.

    Returns:
        The number of events that were copied.

    Raises:
        StoreError: the database is not PostgreSQL, there are that many already, the number is out
            of range, or somebody gave the table what this cannot make again.
    """
    return partition_table(using, EVENT_TABLE, "stream", count)


def partitions_of(using: str, table: str = EVENT_TABLE) -> int:
    """How many partitions a table has; 0 for a table without."""
    if connections[using].vendor != "postgresql":
        return 0
    return int(
        _rows(using, "SELECT count(*) FROM pg_inherits WHERE inhparent = %s::regclass", table)[0][0]
    )


def partition_table(using: str, table: str, column: str, count: int) -> int:
    """Spread a table of the store over hash partitions.

    Unique constraints that lack the column get it, and so hold within one of its values only.

    Args:
        using: database alias.
        table: its name.
        column: what the rows are spread by.
        count: partitions, 2 to 1024.

    Returns:
        The number of rows that were copied.

    Raises:
        StoreError: as :func:`partition_log`.
    """
    if connections[using].vendor != "postgresql":
        raise StoreError("Only PostgreSQL has partitions that are declared.")
    if not 2 <= count <= MOST:
        raise StoreError(f"The number of partitions is 2 to {MOST}, not {count}.")
    with transaction.atomic(using=using):
        _run(using, f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        found = _found(using, table, column)
        if found.partitions == count:
            raise StoreError(f"{table} has {count} partitions already.")
        return _made_again(using, table, column, count, found)


def _found(using: str, table: str, column: str) -> _Table:
    _refuse_what_would_be_lost(using, table)
    constraints = []
    for name, kind, text, columns in _rows(
        using,
        "SELECT conname, contype, pg_get_constraintdef(oid), ARRAY(SELECT attname::text FROM "
        "pg_attribute WHERE attrelid = conrelid AND attnum = ANY(conkey)) "
        "FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('p', 'u', 'f')",
        table,
    ):
        if kind in ("p", "u") and column not in columns:
            first, parenthesis, rest = text.partition(")")
            # A primary key allows no NULL; a column that does goes into a unique constraint.
            if kind == "p" and _may_be_null(using, table, column):
                first = first.replace("PRIMARY KEY", "UNIQUE")
            text = f"{first}, {column}{parenthesis}{rest}"
        constraints.append((name, text))
    indexes = _rows(
        using,
        "SELECT pg_get_indexdef(indexrelid), indisunique FROM pg_index "
        "WHERE indrelid = %s::regclass AND NOT EXISTS (SELECT 1 FROM pg_constraint "
        "WHERE conindid = indexrelid AND conrelid = indrelid)",
        table,
    )
    identity = _rows(
        using,
        "SELECT attname::text FROM pg_attribute WHERE attrelid = %s::regclass "
        "AND attidentity <> '' AND NOT attisdropped",
        table,
    )
    grants = _rows(
        using,
        "SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, "
        "privilege_type, is_grantable FROM pg_class, aclexplode(relacl) "
        "WHERE oid = %s::regclass",
        table,
    )
    return _Table(
        partitions_of(using, table),
        constraints,
        [text.replace(" ON ONLY ", " ON ", 1) for text, _ in indexes],
        identity[0][0] if identity else None,
        [(who, right, may_pass_on) for who, right, may_pass_on in grants],
    )


def _refuse_what_would_be_lost(using: str, table: str) -> None:
    lost = _rows(
        using,
        "SELECT 'trigger ' || tgname FROM pg_trigger "
        "WHERE tgrelid = %s::regclass AND NOT tgisinternal "
        "UNION ALL SELECT 'policy ' || polname FROM pg_policy WHERE polrelid = %s::regclass "
        "UNION ALL SELECT 'foreign key ' || conname FROM pg_constraint "
        "WHERE confrelid = %s::regclass "
        "UNION ALL SELECT 'view ' || ev_class::regclass::text FROM pg_rewrite r "
        "JOIN pg_depend d ON d.objid = r.oid AND d.classid = 'pg_rewrite'::regclass "
        "WHERE d.refobjid = %s::regclass AND ev_class <> d.refobjid "
        "UNION ALL SELECT 'publication ' || pubname FROM pg_publication_rel "
        "JOIN pg_publication p ON p.oid = prpubid WHERE prrelid = %s::regclass "
        "UNION ALL SELECT 'statistics ' || stxname FROM pg_statistic_ext "
        "WHERE stxrelid = %s::regclass "
        "UNION ALL SELECT 'rights on column ' || attname FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attacl IS NOT NULL AND NOT attisdropped "
        "UNION ALL SELECT 'storage parameter ' || unnest(reloptions) FROM pg_class "
        "WHERE oid = %s::regclass AND relkind = 'r'",
        *[table] * 8,
    )
    if lost:
        names = ", ".join(sorted({name for (name,) in lost}))
        raise StoreError(
            f"{table} cannot be copied with all that hangs on it: {names}. Drop that, run this "
            "again, and make it anew."
        )


def _made_again(using: str, table: str, column: str, count: int, found: _Table) -> int:
    before, place = f"{table}_before", 0
    if found.identity:
        sequence = _rows(using, "SELECT pg_get_serial_sequence(%s, %s)", table, found.identity)
        state = f"SELECT last_value, is_called FROM {sequence[0][0]}"  # noqa: S608 - its name
        ((last, called),) = _rows(using, state)
        place = last + called
    _run(using, f"ALTER TABLE {table} RENAME TO {before}")
    _run(
        using,
        f"CREATE TABLE {table} (LIKE {before} INCLUDING DEFAULTS INCLUDING CONSTRAINTS "
        f"INCLUDING STORAGE INCLUDING COMMENTS) PARTITION BY HASH ({column})",
    )
    for part in range(count):
        _run(
            using,
            f"CREATE TABLE {table}_{count}_{part} PARTITION OF {table} "
            f"FOR VALUES WITH (MODULUS {count}, REMAINDER {part})",
        )
    # In the old order, so that neighbours in the log stay neighbours on the disk.
    order = f" ORDER BY {found.identity}" if found.identity else ""
    copied = _run(using, f"INSERT INTO {table} SELECT * FROM {before}{order}")  # noqa: S608
    owned = "SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class WHERE oid = %s::regclass"
    owner = _rows(using, owned, before)[0][0]
    _run(using, f"DROP TABLE {before}")
    if found.identity:
        _run(
            using,
            f"ALTER TABLE {table} ALTER COLUMN {found.identity} ADD GENERATED BY DEFAULT AS "
            f"IDENTITY (SEQUENCE NAME {table}_{found.identity}_seq START WITH {place})",
        )
    for name, text in found.constraints:
        _run(using, f"ALTER TABLE {table} ADD CONSTRAINT {name} {text}")
    for text in found.indexes:
        _run(using, text)
    _run(using, f"ALTER TABLE {table} OWNER TO {owner}")
    if found.grants:
        _run(using, f"REVOKE ALL ON {table} FROM PUBLIC, {owner}")
    for who, right, may_pass_on in found.grants:
        option = " WITH GRANT OPTION" if may_pass_on else ""
        _run(using, f"GRANT {right} ON {table} TO {who}{option}")
    _run(using, f"ANALYZE {table}")
    return copied


def _may_be_null(using: str, table: str, column: str) -> bool:
    return not _rows(
        using,
        "SELECT attnotnull FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s",
        table,
        column,
    )[0][0]


def _rows(using: str, sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def _run(using: str, sql: str) -> int:
    with connections[using].cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.rowcount)
