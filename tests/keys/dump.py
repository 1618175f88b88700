"""What somebody reads who has a dump and a worker secret, and goes by docs/format.md alone.

Uses no keyring and no model: every grant is tried with the secret, then everything that any key
found so far might open, until nothing more opens.
"""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection

from django_jazzauth.crypto.envelope import Envelope, EnvelopeError
from django_jazzauth.crypto.framing import frame
from django_jazzauth.crypto.hpke import SUITES
from django_jazzauth.keys.provider import grant_info
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.wrapping import EpochKey, index_cipher
from django_jazzauth.store.sealing import open_head, open_payload

TABLES = ("jazzauth_epoch", "jazzauth_grant", "jazzauth_data_key", "jazzauth_index_root")
HEADS = {"jazzauth_user": "user", "testapp_patient": "patient", "jazzauth_session": "session"}

Rows = dict[str, list[dict[str, Any]]]


@dataclass
class Loot:
    """What opened."""

    epochs: dict[bytes, EpochKey] = field(default_factory=dict)
    data_keys: dict[bytes, bytes] = field(default_factory=dict)
    states: list[Any] = field(default_factory=list)
    heads: list[Any] = field(default_factory=list)
    columns: list[bytes] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        return not (self.epochs or self.data_keys or self.states or self.heads or self.columns)

    def text(self) -> str:
        return repr((self.states, self.heads, self.columns))


def take(directory: Path, name: str) -> Rows:
    """A real dump of the test database, read back: a copy of SQLite's file, or ``pg_dump``'s."""
    wanted = (*TABLES, "jazzauth_event", *HEADS)
    if connection.vendor == "sqlite":
        path = directory / f"{name}.sqlite3"
        name = str(connection.settings_dict["NAME"])
        with closing(sqlite3.connect(name)) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target)
        with closing(sqlite3.connect(path)) as raw:
            return {table: _select(raw.cursor(), table) for table in wanted}
    database = connection.settings_dict["NAME"]
    path = directory / f"{name}.dump"
    server = ["-h", "127.0.0.1", "-U", "postgres"]
    subprocess.run(["pg_dump", *server, "-Fc", "-f", path, database], check=True)
    copy = f"{database}_{name}"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {copy}")
        cursor.execute(f"CREATE DATABASE {copy}")
    try:
        subprocess.run(["pg_restore", *server, "-d", copy, path], check=True)
        import psycopg

        with psycopg.connect(host="127.0.0.1", user="postgres", dbname=copy) as raw:
            return {table: _select(raw.cursor(), table) for table in wanted}
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {copy}")


def _select(cursor: Any, table: str) -> list[dict[str, Any]]:
    cursor.execute(f"SELECT * FROM {table}")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def rob(rows: Rows, worker: WorkerSecret, known: Loot | None = None) -> Loot:
    """Open all that opens.

    Args:
        rows: from :func:`take`.
        worker: the secret.
        known: what was found in another dump before.
    """
    loot = Loot(dict(known.epochs), dict(known.data_keys)) if known else Loot()
    numbers = {_id(row["id"]): row["number"] for row in rows["jazzauth_epoch"]}
    for row in rows["jazzauth_grant"]:
        for worker_id in {worker.worker_id, row["worker_id"]}:
            for suite in SUITES:
                try:
                    epoch = _id(row["epoch_id"])
                    info = grant_info(epoch, worker_id, suite)
                    key = worker.open(suite, bytes(row["sealed"]), info)
                except EnvelopeError:
                    continue
                loot.epochs[epoch] = EpochKey(epoch, numbers[epoch], key)
    for row in sorted(rows["jazzauth_epoch"], key=lambda row: -row["number"]):
        epoch = loot.epochs.get(_id(row["id"]))
        for previous, number in numbers.items():
            if epoch is not None and row["previous_wrapped"] is not None:
                try:
                    key = epoch.unwrap_previous(previous, bytes(row["previous_wrapped"]))
                except EnvelopeError:
                    continue
                loot.epochs[previous] = EpochKey(previous, number, key)
    roots = []
    for epoch in loot.epochs.values():
        for row in rows["jazzauth_data_key"]:
            try:
                id_ = _id(row["id"])
                opened = epoch.unwrap_data_key(id_, row["subject"] or "", row["wrapped"] or b"")
            except EnvelopeError:
                continue
            loot.data_keys[id_] = opened
        for row in rows["jazzauth_index_root"]:
            try:
                root = epoch.unwrap_index_root(row["generation"], bytes(row["wrapped"]))
            except EnvelopeError:
                continue
            roots.append((row["generation"], root))
        for table, entity in HEADS.items():
            for row in rows[table]:
                stream = f"{entity}/{UUID(bytes=_id(row['id']))}"
                try:
                    head = open_head(epoch.head_cipher(entity), stream, bytes(row["head"]))
                except ValueError:
                    continue
                except Exception as error:
                    assert type(error).__name__ == "SealBroken"
                    continue
                loot.heads.append(head.state)
    for generation, root in roots:
        cipher = index_cipher(root, generation, "user", "email")
        loot.columns += [cipher.open(bytes(row["email"])) for row in rows["jazzauth_user"]]
    for row in rows["jazzauth_event"]:
        key = loot.data_keys.get(_id(row["key_id"]))
        if key is not None and row["payload"] is not None:
            parts = [row[name] for name in ("stream", "version", "type", "schema")]
            aad = frame("jazzauth/payload/1", *parts, _id(row["key_id"]), row["recorded_at"])
            state, _ = open_payload(Envelope(key), aad, bytes(row["payload"]), row["stream"])
            loot.states.append(state)
    return loot


def _id(value: Any) -> bytes:
    return (value if isinstance(value, UUID) else UUID(value)).bytes
