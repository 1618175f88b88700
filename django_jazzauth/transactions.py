"""Transaction blocks of writes, at less cost where one is open already."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper


class _Joined:
    """Part of a block that is open: an error in it is the end of the whole."""

    __slots__ = ("_connection",)

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, *error: object) -> None:
        if kind is not None:
            self._connection.needs_rollback = True


def one_transaction(connection: BaseDatabaseWrapper) -> AbstractContextManager[None]:
    """As ``transaction.atomic(savepoint=False)``.

    A write passes several of them, of which only the outermost has anything to do. For deletions
    each block counts (``sealed.ending``), so those use Django's.

    Args:
        connection: Django's connection, not the proxy ``django.db.connection``.
    """
    if connection.in_atomic_block:
        return _Joined(connection)
    return transaction.atomic(using=connection.alias, savepoint=False)
