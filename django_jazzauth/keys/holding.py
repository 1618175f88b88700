"""Making a transaction the only one that changes epochs, grants and workers."""

from __future__ import annotations

from django.db import connections

from ..errors import KeyUnavailable

_TRIES = 20


def hold_epochs(alias: str) -> None:
    """Wait until nobody else rotates, and let nobody begin to; until the transaction's end.

    A database without any epoch is not held: there is nothing yet that could be changed.

    Args:
        alias: database alias; a transaction must be open on it.

    Raises:
        KeyUnavailable: others rotate without pause.
    """
    connection = connections[alias]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # Takes the writer's lock before anything is read; see ``hold_writer_lock``.
            cursor.execute("UPDATE jazzauth_epoch SET number = number WHERE 0")
        return
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            # The row that every writer locks; one row, and always the same, so nobody deadlocks.
            cursor.execute("SELECT id FROM jazzauth_epoch WHERE number = 1 FOR UPDATE")
            cursor.fetchall()
        return
    for _ in range(_TRIES):
        with connection.cursor() as cursor:
            # Not FOR UPDATE: new data keys may refer to the epoch meanwhile.
            cursor.execute(
                "SELECT id FROM jazzauth_epoch WHERE superseded_at IS NULL FOR NO KEY UPDATE"
            )
            if cursor.fetchall():
                return
            # Who held it has superseded it: the statement found the old row only. Or none is there.
            cursor.execute("SELECT 1 FROM jazzauth_epoch")
            if cursor.fetchone() is None:
                return
    raise KeyUnavailable("the epoch changed on every try to hold it")
