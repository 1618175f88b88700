"""Whether the columns of a row hold what its head says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError

from ..drivers import as_octets
from .binding import Opened
from .codec import FieldCodec


def differing(
    columns: Sequence[tuple[int, FieldCodec, Any]],
    folded: Sequence[tuple[int, Any]],
    db: str,
    values: Sequence[Any],
    opened: Opened,
    state_values: dict[str, Any],
) -> list[str]:
    """Names of the fields whose columns do not hold what the head says.

    Args:
        columns: per column of the state: its place in the row, its codec, its field if sealed.
        folded: per companion column: its place in the row, its field.
        db: database alias.
        values: of the row, converted.
        opened: the row's head.
        state_values: attname to Python value of the head's state; where a column holds another
            reading of the same value, that is taken over.
    """
    broken = []
    for index, codec, sealed in columns:
        value = values[index]
        if sealed is None:
            expected = state_values[codec.attname]
            if value == expected or _same_primitive(codec, value, expected):
                continue
            if agrees(codec, value, expected, opened):
                state_values[codec.attname] = value
            else:
                broken.append(codec.name)
            continue
        primitive = codec.primitive(opened.head.state, state_values)
        if sealed.searchable:
            if not _column_matches(sealed, primitive, value, db):
                broken.append(codec.name)
        elif value != (None if primitive is None else 1):  # anything but the marker is foreign
            broken.append(codec.name)
    for index, companion in folded:
        source = state_values[companion.source.attname]
        value = values[index]
        if source is None or source == "":
            if value is not None:
                broken.append(companion.name)
        elif value is None or as_octets(value) not in companion.column_values(source, db):
            broken.append(companion.name)
    return broken


def _column_matches(sealed: Any, primitive: Any, value: Any, db: str) -> bool:
    if primitive is None or value is None:
        return primitive is None and value is None
    return as_octets(value) in sealed.column_values(primitive, db)


def agrees(codec: FieldCodec, value: Any, expected: Any, opened: Opened) -> bool:
    """Whether a plain column holds what the head says, in whichever guise the driver gives it."""
    return (
        value == expected
        or _same_primitive(codec, value, expected)
        or value in codec.readings(opened.head.state.get(codec.name))
    )


def _same_primitive(codec: FieldCodec, value: Any, expected: Any) -> bool:
    # Drivers give some types in another guise (memoryview, naive time, float for decimal), but
    # these only as they are: encoding would round or convert what somebody put there by SQL.
    if value is None or expected is None or isinstance(expected, int):
        return False
    try:
        one, other = codec.encode(value), codec.encode(expected)
    except (TypeError, ValueError, ArithmeticError, ValidationError):
        return False
    return bool(one == other or (one != one and other != other))  # not-a-number equals nothing
