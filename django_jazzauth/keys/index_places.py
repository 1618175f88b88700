"""How far searchable columns have moved between two generations of the index keys.

Equal values must have equal ciphertexts, or UNIQUE, joins and grouping would go wrong. So a column
moves value by value, in the order of the old ciphertexts, and a *boundary* says how far it is. Who
writes a value reads the boundary and keeps it from moving until the transaction ends.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connections

from ..crypto.envelope import FORMAT
from ..drivers import as_octets, execute, fetch_all
from .holding import hold_epochs
from .standing import Standing

# Of PostgreSQL's advisory locks: writers share it, a step of a re-indexing has it alone.
_LOCK = 0x6A617A7A61757468
_PATIENCE = "250ms"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a column stands.

    Attributes:
        generation: number of the index key that it is under.
        target: the one that it moves to, if it does.
        boundary: values whose old ciphertext is not above this one have moved.
    """

    generation: int
    target: int | None
    boundary: bytes

    @property
    def all_moved(self) -> bool:
        """Whether the boundary lies behind every value."""
        return self.boundary[:2] > FORMAT + bytes((self.generation,))

    @property
    def written(self) -> int:
        """The generation that is written with where a column moves as a whole."""
        return self.generation if self.target is None or not self.all_moved else self.target


Places = dict[tuple[str, str], Place]


class _OfThread(threading.local):
    """What was read in transactions of this thread that are still open, by alias."""

    def __init__(self) -> None:
        self.read: dict[str, tuple[Standing, Places]] = {}


_own = _OfThread()


def current_places(alias: str) -> Places:
    """Where the columns stand; in a transaction they stay there until its end.

    Args:
        alias: database alias.
    """
    connection = connections[alias]
    if not connection.in_atomic_block:
        return read_places(alias)
    known = _own.read.get(alias)
    if known is not None and known[0].still_stands():
        return known[1]
    if connection.vendor == "postgresql":
        # A statement of its own: the next one sees what was done while this one waited.
        fetch_all(connection, "SELECT 1 FROM pg_advisory_xact_lock_shared(%s)", [_LOCK])
    places = read_places(alias, hold=True)
    _own.read[alias] = Standing(alias), places
    return places


def read_places(alias: str, *, hold: bool = False) -> Places:
    """Where the columns stand just now.

    Args:
        alias: database alias.
        hold: read the newest, and keep it as it is until the transaction ends. On PostgreSQL this
            fails, as repeatable reads do, in a transaction that saw the columns at another place.
    """
    connection = connections[alias]
    locks = {"postgresql": " FOR SHARE", "mysql": " LOCK IN SHARE MODE"}
    lock = locks.get(connection.vendor, "") if hold else ""
    rows = fetch_all(
        connection,
        "SELECT entity, field, generation, target, boundary "  # noqa: S608 - constants only
        f"FROM jazzauth_index_column{lock}",
        [],
    )
    return {
        (entity, field): Place(generation, target, as_octets(boundary))
        for entity, field, generation, target, boundary in rows
    }


def columns_on_their_way(alias: str) -> dict[str, float]:
    """Columns that are being re-indexed, and which part of their values has moved, about.

    Ciphertexts are spread evenly, so the boundary alone tells the part.
    """
    found = {}
    for (entity, field), place in sorted(read_places(alias).items()):
        if place.target is not None:
            head = int.from_bytes(place.boundary[2:6].ljust(4, b"\0"), "big")
            found[f"{entity}.{field}"] = 1.0 if place.all_moved else head / 2**32
    return found


def hold_places(alias: str) -> None:
    """Wait until nobody writes searchable columns, and let nobody begin to; for this transaction.

    It waits for a moment only, and fails with an ``OperationalError``: others wait behind it.

    Args:
        alias: database alias; a transaction must be open on it.
    """
    connection = connections[alias]
    _own.read.pop(alias, None)
    if connection.vendor != "postgresql":
        hold_epochs(alias)  # there all writers wait for one another
        return
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
        cursor.execute("SELECT 1 FROM pg_advisory_xact_lock(%s)", [_LOCK])


@contextmanager
def brief_waits(alias: str) -> Iterator[None]:
    """Let statements of this connection wait for others' locks for a second only (MariaDB).

    Elsewhere ``hold_places`` sees to it, and SQLite knows no locks of single rows.

    Args:
        alias: database alias.
    """
    connection = connections[alias]
    if connection.vendor != "mysql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@innodb_lock_wait_timeout")
        usual = cursor.fetchone()[0]
        cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {int(usual)}")


def move_boundary(alias: str, column: tuple[str, str], boundary: bytes) -> None:
    """Say how far a column has moved, in the transaction that has moved it."""
    entity, field = column
    execute(
        connections[alias],
        "UPDATE jazzauth_index_column SET boundary = %s WHERE entity = %s AND field = %s",
        [boundary, entity, field],
    )
