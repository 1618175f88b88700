"""The head of a row in SQL, as far as it is the newest of its stream.

A head that is opened says whose it is and of which version, but not whether the stream went on
since: an old one, put back into its own row by SQL, is genuine. So what a SELECT gives as the head
of a row is nothing, if the log has a newer version of the row's stream, or none at all. The version
stands in the head's header, which is authenticated when the head is opened.

A head that is newer than the log is not refused: who waits for the lock of a row (``FOR UPDATE``)
gets the row as it is then, and the log as it was when the statement began.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db.models.expressions import Col

from ..keys.fields import ExactCharField

# Types of keys that are the same text in SQL as in the name of a stream.
_TEXTS = frozenset(
    (
        "AutoField",
        "BigAutoField",
        "BigIntegerField",
        "CharField",
        "IntegerField",
        "PositiveBigIntegerField",
        "PositiveIntegerField",
        "PositiveSmallIntegerField",
        "SlugField",
        "SmallAutoField",
        "SmallIntegerField",
    )
)
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
_CURRENT = {
    "postgresql": "substring({head} from 18 for 4) >= (SELECT int4send(e.version) {newest})",
    "sqlite": "hex(substr({head}, 18, 4)) >= (SELECT printf('%%08X', e.version) {newest})",
    "mysql": "HEX(SUBSTRING({head}, 18, 4)) >= (SELECT LPAD(HEX(e.version), 8, '0') {newest})",
}
_NEWEST = "FROM jazzauth_event e WHERE e.stream = {stream} ORDER BY e.version DESC LIMIT 1"


def kind_of_key(field: Any) -> str:
    """Django's name for the type of a primary key; of one that refers, the type of the other."""
    while field.remote_field:
        field = field.target_field
    return str(field.get_internal_type())


def current_head_sql(connection: Any, field: Any, key: str, head: str) -> str:
    """The head, or NULL where the log has a newer version of the row's stream, or none.

    It is given as it is where keys are another text in SQL than in the names of streams, and for a
    historical model: a migration may read it before the log has its table.

    Args:
        connection: the database.
        field: the ``HeadField``.
        key: the quoted column of the key.
        head: the quoted column of the head.
    """
    if field.model.__module__ == "__fake__":
        return head
    kind = kind_of_key(field.model._meta.pk)
    vendor = connection.vendor
    native = connection.features.has_native_uuid_field
    collation = ""
    if vendor == "mysql":
        collation = ExactCharField.collation(connection)
    return _made(vendor, native, collation, field.entity, kind, key, head)


@lru_cache(maxsize=1024)
def _made(
    vendor: str, native: bool, collation: str, entity: str, kind: str, key: str, head: str
) -> str:
    if kind == "UUIDField" and not native:
        if vendor != "sqlite":
            return head
        text = _HEX
    elif kind == "UUIDField" or kind in _TEXTS:
        text = _TEXT[vendor]
    else:
        return head
    name = entity.replace("'", "''").replace("%", "%%")
    stream = _STREAM[vendor].format(entity=name, key=text.format(key=key), collation=collation)
    current = _CURRENT[vendor].format(head=head, newest=_NEWEST.format(stream=stream))
    return f"CASE WHEN {current} THEN {head} END"


class HeadCol(Col):
    """A reference to a head: what is loaded is the newest of its stream, or nothing."""

    target: Any
    alias: Any

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        sql, params = super().as_sql(compiler, connection)
        if compiler.select is not None:  # in a condition
            return sql, params
        key, _ = self.target.model._meta.pk.get_col(self.alias).as_sql(compiler, connection)
        return current_head_sql(connection, self.target, key, sql), params

    def get_group_by_cols(self) -> list[Any]:
        return [Col(self.alias, self.target, self.output_field)]
