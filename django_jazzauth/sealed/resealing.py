"""Heads that are sealed anew under another epoch: the same head in other bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections

from ..drivers import as_octets
from ..errors import JazzAuthError
from ..store.sealing import HEAD_FORMAT, Head
from .binding import Binding
from .projection import CHUNK, names_of, pk_param, select_heads, swap_heads

_TRIES = 10
# The part of a head that names its epoch, see docs/format.md.
_PREFIX = {
    "postgresql": "substring({0} from 1 for 17)",
    "sqlite": "substr({0}, 1, 17)",
    "mysql": "SUBSTRING({0}, 1, 17)",
}

Row = tuple[Any, bytes, bytes, Sequence[Any]]


def swap_resealed(
    binding: Binding,
    alias: str,
    fields: Sequence[Any],
    rows: Sequence[Row],
    olds: Mapping[str, Head],
) -> bool:
    """Finish a swap that met heads in other bytes than were read: re-wrapped in between.

    Args:
        binding: the model.
        alias: database alias.
        fields: as for ``swap_heads``.
        rows: as for ``swap_heads``; some may be written already.
        olds: the head that each change was made against, by the text of the primary key.

    Returns:
        Whether every row now holds its new head. If not, a row holds another head than its log.
    """
    for _ in range(_TRIES):
        present = select_heads(binding, alias, [row[0] for row in rows], newest=True)
        pending: list[Row] = []
        for row in rows:
            pk, _, new, values = row
            blob = present.get(binding.pk_text(pk))
            if blob == new:
                continue
            if blob is None or not _is_same(binding, alias, pk, blob, olds[binding.pk_text(pk)]):
                return False
            pending.append((pk, blob, new, values))
        if not pending or swap_heads(binding, connections[alias], fields, pending) == len(pending):
            return True
    return False


def _is_same(binding: Binding, alias: str, pk: Any, blob: bytes, old: Head) -> bool:
    try:
        head = binding.open(alias, pk, blob).head
    except JazzAuthError:
        return False
    return (head.version, head.digest) == (old.version, old.digest)


def count_heads(binding: Binding, alias: str, epoch_ids: Sequence[bytes], under: bool) -> int:
    """How many heads are sealed under one of these epochs, or under none of them.

    Reads the whole table.
    """
    connection = connections[alias]
    table, _, head = names_of(binding, connection)
    marks, which = ", ".join(["%s"] * len(epoch_ids)), "IN" if under else "NOT IN"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM {table} "  # noqa: S608 - quoted names
            f"WHERE {_PREFIX[connection.vendor].format(head)} {which} ({marks})",
            [_prefix(epoch_id) for epoch_id in epoch_ids],
        )
        return int(cursor.fetchone()[0])


def stale_heads(
    binding: Binding, alias: str, epoch_id: bytes, after: Any | None, limit: int
) -> list[tuple[Any, bytes]]:
    """Key and head of rows whose head is not under an epoch, in the order of keys.

    Args:
        binding: the model.
        alias: database alias.
        epoch_id: 16-byte id.
        after: the key to begin behind; None: at the first.
        limit: rows at most.
    """
    connection = connections[alias]
    table, key, head = names_of(binding, connection)
    behind, params = "", [_prefix(epoch_id)]
    if after is not None:
        behind, params = f" AND {key} > %s", [*params, pk_param(binding, connection, after)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key}, {head} FROM {table} "  # noqa: S608 - quoted names
            f"WHERE {_PREFIX[connection.vendor].format(head)} <> %s{behind} "
            f"ORDER BY {key} LIMIT {int(limit)}",
            params,
        )
        return [(binding.pk.to_python(pk), as_octets(blob)) for pk, blob in cursor.fetchall()]


def replace_heads(binding: Binding, alias: str, rows: Sequence[tuple[Any, bytes, bytes]]) -> int:
    """Swap heads for others that hold the same; see ``Projector.replace_heads``."""
    connection = connections[alias]
    if connection.vendor == "postgresql":
        # Whoever waits for one row while holding others can deadlock with a writer of several. The
        # lock leaves the key alone, so that rows may be made meanwhile that point at these.
        table, key, _ = names_of(binding, connection)
        free: set[str] = set()
        with connection.cursor() as cursor:
            for start in range(0, len(rows), CHUNK):
                chunk = rows[start : start + CHUNK]
                marks = ", ".join(["%s"] * len(chunk))
                cursor.execute(
                    f"SELECT {key} FROM {table} WHERE {key} IN ({marks}) "  # noqa: S608
                    "FOR NO KEY UPDATE SKIP LOCKED",
                    [pk_param(binding, connection, pk) for pk, _, _ in chunk],
                )
                free.update(binding.pk_text(pk) for (pk,) in cursor.fetchall())
        rows = [row for row in rows if binding.pk_text(row[0]) in free]
    if not rows:
        return 0
    return swap_heads(binding, connection, [], [(pk, old, new, ()) for pk, old, new in rows])


def _prefix(epoch_id: bytes) -> bytes:
    return bytes((HEAD_FORMAT,)) + epoch_id
