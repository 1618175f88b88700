"""SQL of the data keys: few statements, the same effect on SQLite, PostgreSQL and MariaDB.

Everything runs on the caller's connection, inside the caller's transaction, and no statement can
fail on a conflict: on PostgreSQL a failed statement would spoil the whole transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from ..drivers import as_octets, execute, fetch_all, is_among, time_parameter, uuid_parameter

MAX_PARAMETERS = 500

_COLUMNS = "id, subject, epoch_id, wrapped, destroyed_at"

_Item = TypeVar("_Item")


class DataKeyRow(msgspec.Struct, frozen=True):
    """A row of the data key table; ``wrapped`` is None once the key is destroyed."""

    id: bytes
    subject: str | None
    epoch_id: bytes
    wrapped: bytes | None

    def __repr__(self) -> str:
        return f"<DataKeyRow {self.id.hex()}>"


class NewDataKey(msgspec.Struct, frozen=True):
    """A data key that is about to be stored, wrapped under the current epoch."""

    id: bytes
    subject: str
    wrapped: bytes

    def __repr__(self) -> str:
        return f"<NewDataKey {self.id.hex()}>"


@lru_cache
def insert_data_keys_sql(vendor: str, count: int) -> str:
    """The statement of ``insert_data_keys``; its parameters are those of ``data_key_params``."""
    # MariaDB's IGNORE turns other errors into warnings as well, cutting a text that is too long,
    # say. That is why the keyring checks every subject before it comes here.
    verb, conflict = (
        ("INSERT IGNORE", "") if vendor == "mysql" else ("INSERT", " ON CONFLICT DO NOTHING")
    )
    first, other = "SELECT %s AS id, %s AS subject, %s AS wrapped", " UNION ALL SELECT %s, %s, %s"
    return (
        f"{verb} INTO jazzauth_data_key (id, subject, wrapped, epoch_id, created_at) "  # noqa: S608
        "SELECT v.id, v.subject, v.wrapped, %s, %s "
        f"FROM ({first}{other * (count - 1)}) v "
        "WHERE EXISTS (SELECT 1 FROM jazzauth_epoch WHERE id = %s AND superseded_at IS NULL)"
        f"{conflict}"
    )


def insert_data_keys(alias: str, epoch_id: bytes, rows: Sequence[NewDataKey]) -> int:
    """Store data keys, except those whose subject has one already.

    Nothing is stored when the epoch is gone or superseded: a key wrapped under an epoch that was
    rolled back could never be opened.

    Args:
        alias: database alias.
        epoch_id: 16-byte id of the epoch that they are wrapped under.
        rows: at most 165, in the order of their subjects, so that two writers of the same subjects
            wait for each other instead of deadlocking.

    Returns:
        The number of rows stored.
    """
    connection = connections[alias]
    sql = insert_data_keys_sql(connection.vendor, len(rows))
    epoch = uuid_parameter(connection, epoch_id)
    return execute(connection, sql, data_key_params(connection, epoch, rows))


def data_key_params(
    connection: BaseDatabaseWrapper, epoch: Any, rows: Sequence[NewDataKey]
) -> list[Any]:
    """The parameters of ``insert_data_keys_sql``.

    Args:
        connection: the database.
        epoch: id of the epoch that they are wrapped under, as a parameter.
        rows: the data keys.
    """
    params = [epoch, time_parameter(connection, timezone.now())]
    for row in rows:
        params += uuid_parameter(connection, row.id), row.subject, row.wrapped
    params.append(epoch)
    return params


def find_by_subject(
    alias: str, subjects: Iterable[str], *, newest: bool = False
) -> list[DataKeyRow]:
    """The data keys of subjects.

    Args:
        alias: database alias.
        subjects: any number of them.
        newest: also see what others committed since this transaction began; needed after a
            conflict with a row that a MariaDB snapshot does not show.
    """
    lock = " LOCK IN SHARE MODE" if newest and connections[alias].vendor == "mysql" else ""
    return _find(alias, "subject", list(subjects), lock)


def find_by_id(alias: str, ids: Iterable[bytes]) -> list[DataKeyRow]:
    """The data keys with these 16-byte ids."""
    connection = connections[alias]
    return _find(alias, "id", [uuid_parameter(connection, id_) for id_ in ids], "")


def chunks(items: Sequence[_Item], parameters_each: int) -> Iterator[Sequence[_Item]]:
    """Slices so short that a statement stays within ``MAX_PARAMETERS``."""
    size = MAX_PARAMETERS // parameters_each - 1
    for start in range(0, len(items), size):
        yield items[start : start + size]


def as_id(value: Any) -> bytes:
    """The 16 bytes of a UUID column: a UUID on PostgreSQL, text elsewhere."""
    return value.bytes if isinstance(value, UUID) else bytes.fromhex(value.replace("-", ""))


def _find(alias: str, column: str, values: Sequence[Any], lock: str) -> list[DataKeyRow]:
    connection = connections[alias]
    found: list[DataKeyRow] = []
    for chunk in chunks(values, 1):
        condition, params = is_among(connection, column, chunk)
        rows = fetch_all(
            connection,
            f"SELECT {_COLUMNS} FROM jazzauth_data_key WHERE {condition}{lock}",  # noqa: S608
            params,
        )
        found += [
            DataKeyRow(
                as_id(id_),
                subject,
                as_id(epoch_id),
                None if wrapped is None or destroyed_at is not None else as_octets(wrapped),
            )
            for id_, subject, epoch_id, wrapped, destroyed_at in rows
        ]
    return found
