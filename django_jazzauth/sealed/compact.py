"""What is remembered of rows, in few bytes: a process keeps thousands of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

_MOST_SHARED = 29  # CPython's own limit; beyond it a dictionary of an instance takes more

_AS_THEY_ARE = frozenset({type(None), int, float, str, bytes})
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class Unpackable(TypeError):
    """A row holds a value that a row is not recognised by, such as JSON."""


def packed(row: Sequence[Any], head: int) -> bytes:
    """What a row holds beside its head: equal bytes for equal values.

    A third of what the values take one by one. Of any driver a column has values of one type, or of
    types that are told apart here.

    Args:
        row: as the driver gives it.
        head: place of the head.

    Raises:
        Unpackable: it holds what has no such bytes.
    """
    rest = row[:head] if head == len(row) - 1 else (*row[:head], *row[head + 1 :])
    try:
        return _encode(rest)
    except (TypeError, ValueError, OverflowError) as error:
        raise Unpackable(str(error)) from None


def packed_as_read(vendor: str, row: Iterable[Any], head: int) -> bytes | None:
    """As ``packed``, of a row that is written: as it will be when it is read.

    Args:
        vendor: of the database: not every one has a type for booleans.
        row: the parameters, in the order of the columns.
        head: place of the head.

    Returns:
        The bytes; None for a row that cannot be recognised.
    """
    values = [*row]
    for place, value in enumerate(values):
        kind = type(value)
        if kind in _AS_THEY_ARE or (kind is bool and vendor == "postgresql"):
            continue
        for plain in (int, float, str):  # psycopg says by a subclass how many octets a number takes
            if isinstance(value, plain):
                values[place] = plain.__str__(value) if plain is str else plain(value)
    try:
        hash((*values,))
        return packed(values, head)
    except (TypeError, ValueError):
        return None


def changed(
    vendor: str, before: bytes, head: int, values: Iterable[tuple[int, Any]]
) -> bytes | None:
    """What a row holds after some of its columns were changed.

    Args:
        vendor: of the database.
        before: what it held, packed.
        head: place of the head.
        values: places in the whole row, with the new parameters.
    """
    row = _decode(before)
    row.insert(head, None)
    for place, value in values:
        row[place] = value
    return packed_as_read(vendor, row, head)


class Shape:
    """Makes dictionaries that share one table of their names, as those of instances do.

    Such a dictionary takes half as much as one of its own. All must have the same names.
    """

    __slots__ = ("_holder",)

    def __init__(self) -> None:
        self._holder = type("Holder", (), {})

    def shared(self, values: dict[str, Any]) -> dict[str, Any]:
        """A dictionary with these values; what is given is left alone."""
        if len(values) > _MOST_SHARED:
            return values
        holder = self._holder()
        for name, value in values.items():
            setattr(holder, name, value)
        shared: dict[str, Any] = vars(holder)
        return shared


def is_constant(row: Iterable[Any]) -> bool:
    """Whether instances may share what a row holds: no list, and no bytes that can be changed."""
    try:
        hash((*row,))
    except (TypeError, ValueError):
        return False
    return True
