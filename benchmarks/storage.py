"""How many bytes a database takes, table by table (each with its indexes)."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connection


def table_sizes() -> dict[str, int]:
    """Bytes on disk per table; a single entry ``all`` where SQLite was built without ``dbstat``."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
                "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            )
            return {str(name): int(size) for name, size in cursor.fetchall()}
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        try:
            cursor.execute(
                "SELECT m.tbl_name, SUM(d.pgsize) FROM dbstat d JOIN sqlite_master m "
                "ON m.name = d.name WHERE d.aggregate = TRUE GROUP BY m.tbl_name"
            )
            return {str(name): int(size) for name, size in cursor.fetchall()}
        except (DatabaseError, sqlite3.OperationalError):
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
            return {"all": int(cursor.fetchone()[0])}


def expect_much() -> None:
    """Make ready for filling a database, by this connection alone; :func:`tidy` ends it.

    SQLite gets room in memory for the indexes, whose keys are random, and no journal: a filling
    that is interrupted is thrown away.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA cache_size = -1500000")
            cursor.execute("PRAGMA journal_mode = OFF")
            cursor.execute("PRAGMA synchronous = OFF")


def tidy() -> None:
    """Bring the planner's statistics up to date, as the server would by itself after a while."""
    if connection.vendor == "sqlite":
        connection.close()  # what expect_much() set ends with it; the next one is as usual
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def squeeze() -> None:
    """Give back the room that is free, so that sizes can be compared."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM FULL" if connection.vendor == "postgresql" else "VACUUM")


def conditions() -> dict[str, Any]:
    """The database's version and the settings that decide about times; both sides must agree."""
    names: dict[str, str]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            shown = ("fsync", "synchronous_commit", "shared_buffers", "jit")
            names = {}
            for name in shown:
                cursor.execute(f"SHOW {name}")
                names[name] = str(cursor.fetchone()[0])
            cursor.execute("SHOW server_version")
            return {"PostgreSQL": str(cursor.fetchone()[0]).split()[0], **names}
        pragmas = ("journal_mode", "synchronous", "cache_size", "page_size", "foreign_keys")
        names = {}
        for name in pragmas:
            cursor.execute(f"PRAGMA {name}")
            names[name] = str(cursor.fetchone()[0])
        return {"SQLite": sqlite3.sqlite_version, **names}


def fingerprint(generation: int) -> str:
    """Names the tables that this release would make, and the people of a generation."""
    tables = [
        (
            model._meta.db_table,
            [(f.column, f.db_type(connection), f.unique) for f in model._meta.local_fields],
            [c.deconstruct()[0] for c in model._meta.constraints],
            [i.name for i in model._meta.indexes],
        )
        for model in apps.get_models(include_auto_created=True)
    ]
    return hashlib.sha256(repr((generation, sorted(tables, key=str))).encode()).hexdigest()
