"""The database: can it be reached, is it set so that acknowledged writes last, is it migrated?"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from ...store.models import EVENT_TABLE
from .findings import Checkup

_SYNCHRONOUS = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}


def look_at_database(checkup: Checkup, using: str) -> bool:
    """Reach it, name it, read its settings, and look for migrations that were not run.

    Returns:
        Whether the tables of the log and the keys can be read.
    """
    connection = connections[using]
    try:
        connection.ensure_connection()
        version = ".".join(str(part) for part in connection.get_database_version())
    except (DatabaseError, ImproperlyConfigured) as error:
        checkup.error(
            "database.connection",
            f"{connection.display_name} cannot be used: {str(error).strip()}",
            f'Start it, or correct DATABASES["{using}"].',
        )
        return False
    checkup.ok("database.version", f"{connection.display_name} {version}")
    _VENDORS.get(connection.vendor, _look_at_unknown)(checkup, connection)
    _look_at_migrations(checkup, connection)
    if EVENT_TABLE in connection.introspection.table_names():
        return True
    checkup.error(
        "database.tables", f"the table {EVENT_TABLE} is missing", "Run `manage.py migrate`."
    )
    return False


def _look_at_migrations(checkup: Checkup, connection: Any) -> None:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        checkup.ok("database.migrations", "every migration has been run")
        return
    names = [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]
    shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    checkup.error(
        "database.migrations", f"{len(names)} not run: {shown}", "Run `manage.py migrate`."
    )


def _one(connection: Any, sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
    return None if row is None else row[-1]


def _look_at_sqlite(checkup: Checkup, connection: Any) -> None:
    journal = str(_one(connection, "PRAGMA journal_mode")).lower()
    synchronous = int(_one(connection, "PRAGMA synchronous"))
    wait = int(_one(connection, "PRAGMA busy_timeout"))
    keys = bool(_one(connection, "PRAGMA foreign_keys"))
    detail = (
        f"journal_mode={journal} synchronous={_SYNCHRONOUS.get(synchronous, synchronous)} "
        f"busy_timeout={wait} ms foreign_keys={'on' if keys else 'off'}"
    )
    if journal not in ("wal", "memory"):
        checkup.warn(
            "database.pragmas",
            f"{detail}: without WAL, readers and the writer wait for each other",
            "Run `PRAGMA journal_mode = WAL` once on the file.",
        )
    elif synchronous == 0:
        checkup.error(
            "database.pragmas",
            f"{detail}: a power cut can lose what was acknowledged, and damage the file",
            'Take "PRAGMA synchronous = OFF" out of init_command.',
        )
    elif wait < 1000:
        checkup.warn(
            "database.pragmas",
            f"{detail}: a second writer gives up almost at once",
            'Set DATABASES[…]["OPTIONS"]["timeout"] to 20 or so (seconds).',
        )
    else:
        checkup.ok("database.pragmas", detail)
    mode = connection.settings_dict.get("OPTIONS", {}).get("transaction_mode")
    if str(mode).upper() not in ("IMMEDIATE", "EXCLUSIVE"):
        checkup.warn(
            "database.transaction_mode",
            "transactions begin as readers, so two writers can fail with “database is locked”",
            'Set DATABASES[…]["OPTIONS"]["transaction_mode"] = "IMMEDIATE".',
        )


def _look_at_postgresql(checkup: Checkup, connection: Any) -> None:
    commit = _one(connection, "SHOW synchronous_commit")
    fsync = _one(connection, "SHOW fsync")
    detail = f"synchronous_commit={commit} fsync={fsync}"
    if "off" in (commit, fsync):
        checkup.warn(
            "database.durability",
            f"{detail}: a crash of the server can lose what was acknowledged",
            "Turn both on, unless this database may be lost.",
        )
    else:
        checkup.ok("database.durability", detail)


def _look_at_mysql(checkup: Checkup, connection: Any) -> None:
    flush = str(_one(connection, "SELECT @@innodb_flush_log_at_trx_commit"))
    mode = str(_one(connection, "SELECT @@sql_mode"))
    charset = str(_one(connection, "SELECT @@character_set_database"))
    detail = f"innodb_flush_log_at_trx_commit={flush} character_set_database={charset}"
    if "STRICT" not in mode:
        checkup.error(
            "database.sql_mode",
            "the server cuts values that are too long instead of refusing them",
            "Set sql_mode to include STRICT_TRANS_TABLES.",
        )
    if flush != "1":
        checkup.warn(
            "database.durability",
            f"{detail}: a crash of the server can lose what was acknowledged",
            "Set innodb_flush_log_at_trx_commit = 1.",
        )
    elif charset != "utf8mb4":
        checkup.warn(
            "database.charset",
            f"{detail}: plain text columns cannot hold every character",
            "Make the database with CHARACTER SET utf8mb4.",
        )
    else:
        checkup.ok("database.durability", detail)


def _look_at_unknown(checkup: Checkup, connection: Any) -> None:
    checkup.error(
        "database.vendor",
        f"{connection.display_name} is not supported",
        "Use PostgreSQL, SQLite or MariaDB.",
    )


_VENDORS = {
    "sqlite": _look_at_sqlite,
    "postgresql": _look_at_postgresql,
    "mysql": _look_at_mysql,
}
