"""The head of a row in SQL, as far as it is the newest of its stream.

A head that is opened says whose it is and of which version, but not whether the stream went on
since: an old one, put back into its own row by SQL, is genuine. So what a SELECT gives as the head
of a row is nothing, if the log has a newer version of the row's stream, or none at all. The version
stands in the head's header, which is authenticated when the head is opened.

A head that is newer than the log is not refused: who waits for the lock of a row (``FOR UPDATE``)
gets the row as it is then, and the log as it was when the statement began. On MariaDB that may also
be a row of which this log has nothing yet.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import models
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.models.expressions import Col
from django.db.models.sql.compiler import SQLDeleteCompiler, SQLUpdateCompiler

from ..conf import get_settings
from ..keys.fields import ExactCharField

INTEGERS = frozenset(BaseDatabaseOperations.integer_field_ranges)
"""Django's names for the types of integers."""

# Types of keys that are the same text in SQL as in the name of a stream, unless a field derived
# from them says otherwise in one of these methods.
_TEXTS = INTEGERS | {"CharField", "SlugField"}
_SAYING = ("from_db_value", "to_python", "get_prep_value", "get_db_prep_value")
_SAYING_OF_UUIDS = (*_SAYING, "db_type", "rel_db_type")

_TEXT = {"postgresql": "{key}::text", "sqlite": "{key}", "mysql": "CAST({key} AS CHAR)"}
_HEX = " || '-' || ".join(
    f"substr({{key}}, {start}, {length})"
    for start, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 99))
)
_STREAM = {
    "postgresql": "'{entity}/' || {key}",
    "sqlite": "'{entity}/' || {key}",
    # Compared as the column is, or its index would not be used; see ``ExactCharField``.
    "mysql": "CONVERT(CONCAT('{entity}/', {key}) USING utf8mb4) COLLATE {collation}",
}
# The version is four bytes of the head, see docs/format.md.
_VERSION = {
    "postgresql": "substring({head} from 18 for 4)",
    "sqlite": "hex(substr({head}, 18, 4))",
    "mysql": "HEX(SUBSTRING({head}, 18, 4))",
}
_NEWEST = {
    "postgresql": "int4send(jazzauth_newest.version)",
    "sqlite": "printf('%%08X', jazzauth_newest.version)",
    "mysql": "LPAD(HEX(jazzauth_newest.version), 8, '0')",
}
_IN_LOG = (
    "(SELECT {newest} FROM jazzauth_event jazzauth_newest WHERE jazzauth_newest.stream = {stream} "
    "ORDER BY jazzauth_newest.version DESC LIMIT 1)"
)


# Of these classes only, not of those derived from them: they may convert otherwise.
KEY_TYPES: dict[type, type] = {
    models.AutoField: int,
    models.BigAutoField: int,
    models.CharField: str,
    models.UUIDField: UUID,
}


def final_key(field: Any) -> Any:
    """The field whose values a field's column has: itself, or what it refers to in the end."""
    while field.remote_field:
        field = field.target_field
    return field


def is_copy(connection: Any) -> bool:
    """Whether a database follows another's log: its rows are those of its last rebuild."""
    return connection.alias in get_settings().RELAY.COPIES


def current_head_sql(
    connection: Any, field: Any, key: str, head: str, *, locking: bool = False
) -> str:
    """The head, or NULL where the log has a newer version of the row's stream, or none.

    It is given as it is in a copy, where keys are another text in SQL than in the names of streams,
    and for a historical model: a migration may read it before the log has its table.

    Args:
        connection: the database.
        field: the ``HeadField``.
        key: the quoted column of the key.
        head: the quoted column of the head.
        locking: rows are selected for update.
    """
    pk = final_key(field.model._meta.pk)
    if field.model.__module__ == "__fake__" or is_copy(connection):
        return head
    vendor = connection.vendor
    if vendor == "mysql":
        collation, lenient = ExactCharField.collation(connection), locking
    else:
        collation, lenient = "", False
    cls: Any = type(pk)
    text = _text_of(cls, pk.get_internal_type(), vendor, _has_uuids(connection))
    return _made(vendor, collation, field.entity, text, key, head, lenient) if text else head


def _has_uuids(connection: Any) -> bool:
    return bool(connection.features.has_native_uuid_field)


@lru_cache(maxsize=256)
def _text_of(cls: Any, kind: str, vendor: str, native: bool) -> str:
    """A key as the text that streams are named by; empty where SQL cannot say it."""
    is_uuid = kind == "UUIDField"
    base = getattr(models, kind, None)
    saying = _SAYING_OF_UUIDS if is_uuid else _SAYING
    if base is None or any(getattr(cls, n, None) is not getattr(base, n, None) for n in saying):
        return ""
    if is_uuid and not native:
        return _HEX if vendor == "sqlite" else ""
    return _TEXT[vendor] if is_uuid or kind in _TEXTS else ""


@lru_cache(maxsize=1024)
def _made(
    vendor: str, collation: str, entity: str, text: str, key: str, head: str, lenient: bool
) -> str:
    name = entity.replace("'", "''").replace("%", "%%")
    if vendor == "mysql":
        name = name.replace("\\", "\\\\")
    stream = _STREAM[vendor].format(entity=name, key=text.format(key=key), collation=collation)
    newest = _IN_LOG.format(newest=_NEWEST[vendor], stream=stream)
    if lenient:
        newest = f"COALESCE({newest}, '')"
    return f"CASE WHEN {_VERSION[vendor].format(head=head)} >= {newest} THEN {head} END"


class HeadCol(Col):
    """A reference to a head: what is loaded is the newest of its stream, or nothing."""

    target: Any
    alias: Any  # None in constraints, where columns have no table

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        sql, params = super().as_sql(compiler, connection)
        if (
            compiler.select is not None  # in a condition
            or self.alias is None
            or isinstance(compiler, SQLUpdateCompiler | SQLDeleteCompiler)
        ):
            return sql, params
        key, _ = self.target.model._meta.pk.get_col(self.alias).as_sql(compiler, connection)
        locking = bool(compiler.query.select_for_update)
        return current_head_sql(connection, self.target, key, sql, locking=locking), params

    def get_group_by_cols(self) -> list[Any]:
        return [Col(self.alias, self.target, self.output_field)]
