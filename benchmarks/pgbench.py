"""pgbench, fed with the rows that ours writes: what the server can take."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from .databases import server_dsn
from .waits import Sampler

PLAIN, GUARDED = "plain", "guarded"

_COPIES = ("jazzauth_data_key", "jazzauth_event", "jazzauth_user")

_ROW = (
    "id, username, username_folded, email, email_folded, head, is_superuser, is_staff, is_active, "
    "display_username, password, name, first_name, last_name, email_verified, is_guest, "
    "date_joined, updated_at"
)

# As long as what ours writes for one of the benchmark's people.
_USERNAME, _EMAIL, _WRAPPED, _DIGEST = 33, 46, 61, 32

# Random enough for unique columns, and the same wherever it is named within a transaction.
_NUMBER = r"\set n random(1, 9000000000000000000)"
_UUID = "md5(:n::text)::uuid"
_UNIQUE = "uuid_send(md5(:n::text || '{name}')::uuid) || :{name}::bytea"


@dataclass(frozen=True)
class Lengths:
    """Mean bytes of what ours wrote: an event's payload, and a row's head."""

    payload: int
    head: int


def lengths(connection: psycopg.Connection[Any]) -> Lengths:
    """Read from the rows of ours how long theirs have to be."""
    row = connection.execute(
        "SELECT (SELECT avg(octet_length(payload)) FROM jazzauth_event "
        "WHERE stream LIKE 'user/%'), (SELECT avg(octet_length(head)) FROM jazzauth_user)"
    ).fetchone()
    if row is None or row[0] is None:
        raise RuntimeError("ours has written nothing yet")
    return Lengths(round(row[0]), round(row[1]))


def make_tables(connection: psycopg.Connection[Any], users: int) -> None:
    """Empty copies of the tables, with all their indexes, and users whose rows can be updated."""
    for table in _COPIES:
        copy = sql.Identifier(f"bench_{table}")
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(copy))
        connection.execute(
            sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(copy, sql.Identifier(table))
        )
    connection.execute(
        f"INSERT INTO bench_jazzauth_user ({_ROW}) SELECT md5(n::text)::uuid, "
        "('\\x' || md5(n || 'u'))::bytea, NULL, u.email, ('\\x' || md5(n || 'e'))::bytea, u.head, "
        "false, false, true, 1, 1, 1, 1, 1, false, false, now(), now() "
        "FROM generate_series(1, %s) n, (SELECT * FROM jazzauth_user LIMIT 1) u",
        [users],
    )


def script(kind: str, flavour: str, users: int) -> str:
    """The transaction that stands for one ``create`` or ``save``.

    Args:
        kind: ``create`` or ``save``.
        flavour: ``plain``, into tables of its own; ``guarded``, into ours, by our statements.
        users: rows that ``save`` chooses from.
    """
    ours = flavour == GUARDED
    prefix = "" if ours else "bench_"
    epoch = "(SELECT id FROM jazzauth_epoch WHERE superseded_at IS NULL)"
    live = f"EXISTS (SELECT 1 FROM jazzauth_epoch WHERE id = {epoch} AND superseded_at IS NULL)"
    key = (
        f"INSERT INTO {prefix}jazzauth_data_key (id, subject, wrapped, epoch_id, created_at) "
        f"SELECT {_UUID}, 'user/' || {_UUID}, :wrapped::bytea, {epoch}, now()"
        + (f" WHERE {live} ON CONFLICT DO NOTHING" if ours else "")
    )
    event = (
        f"INSERT INTO {prefix}jazzauth_event (stream, version, type, schema, key_id, recorded_at, "
        f"digest, payload, txid) SELECT 'user/' || {_UUID}, 1, 'created', 1, {_UUID}, "
        "1763000000000000, :digest::bytea, :payload::bytea, pg_current_xact_id()::text::bigint"
        + (
            f" WHERE EXISTS (SELECT 1 FROM jazzauth_data_key WHERE id = {_UUID} "
            f"AND destroyed_at IS NULL) AND {live} ON CONFLICT DO NOTHING"
            if ours
            else ""
        )
    )
    username, email = _UNIQUE.format(name="username"), _UNIQUE.format(name="email")
    row = (
        f"INSERT INTO {prefix}jazzauth_user ({_ROW}) "
        f"VALUES ({_UUID}, {username}, {username}, {email}, {email}, :head::bytea, "
        "false, false, true, 1, 1, 1, 1, 1, false, false, now(), now())"
    )
    update = (
        f"UPDATE {prefix}jazzauth_user SET name = 1, updated_at = now(), head = :head::bytea "
        "WHERE id = md5(:u::text)::uuid"
    )
    statements = [key, event, row] if kind == "create" else [event, update]
    head = [_NUMBER, rf"\set u random(1, {users})"]
    return "\n".join([*head, *(f"{line};" for line in ["BEGIN", *statements, "COMMIT"])]) + "\n"


def run(database: str, text: str, writers: int, seconds: int, sizes: Lengths) -> dict[str, Any]:
    """Run a script for a while, with prepared statements.

    Returns:
        As :func:`benchmarks.writing.write_together`.

    Raises:
        RuntimeError: pgbench failed; says what it wrote.
    """
    values = {
        "username": _USERNAME - 16,
        "email": _EMAIL - 16,
        "wrapped": _WRAPPED,
        "digest": _DIGEST,
        "payload": sizes.payload,
        "head": sizes.head,
    }
    before = _children()
    sampler = Sampler(server_dsn(database), database)
    with tempfile.TemporaryDirectory() as folder, sampler:
        path = Path(folder) / "script.sql"
        path.write_text(text)
        done = subprocess.run(
            [
                "pgbench",
                *("--host", os.environ.get("PGHOST", "127.0.0.1")),
                *("--username", os.environ.get("PGUSER", "postgres")),
                *("--no-vacuum", "--protocol=prepared", "--file", str(path)),
                *("--client", str(writers), "--jobs", str(min(writers, 2))),
                *("--time", str(seconds)),
                *(f"--define={name}=\\x{'5a' * size}" for name, size in values.items()),
                database,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    rate = re.search(r"tps = ([\d.]+)", done.stdout)
    count = re.search(r"actually processed: (\d+)", done.stdout)
    if done.returncode or rate is None or count is None:
        raise RuntimeError(f"pgbench failed: {done.stderr.strip()[-2000:]}")
    return {
        "count": int(count[1]),
        "seconds": int(count[1]) / float(rate[1]),
        "cpu": _children() - before,
        "server_cpu": sampler.cpu,
        "waits": sampler.shares(),
    }


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
