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
    folded: Sequence[tuple[int, Any, str]],
    db: str,
    values: Sequence[Any],
    opened: Opened,
    state_values: dict[str, Any],
) -> list[str]:
    """Names of the fields whose columns do not hold what the head says.

    Args:
        columns: per column of the state: its place in the row, its codec, its field if sealed.
        folded: per companion column: its place in the row, its field, attname of its source.
        db: database alias.
        values: of the row, converted.
        opened: the row's head.
        state_values: attname to Python value of the head's state; where a column holds another
            reading of the same value, that is taken over.
    """
    broken = []
    state = opened.head.state
    for index, codec, sealed in columns:
        value, name = values[index], codec.name
        if sealed is None:
            expected = state_values[codec.attname]
            if value == expected or _same_primitive(codec, value, expected):
                continue
            if agrees(codec, value, expected, opened):
                state_values[codec.attname] = value
            else:
                broken.append(name)
            continue
        # Older than the field, a state says its default.
        primitive = state[name] if name in state else codec.encode(state_values[codec.attname])
        if primitive is None or value is None:
            fits = primitive is None and value is None
        elif sealed.searchable:
            found = value if type(value) is bytes else as_octets(value)
            fits = found in sealed.column_values(primitive, db)
        else:
            fits = value == 1  # anything but the marker is foreign
        if not fits:
            broken.append(name)
    for index, companion, source in folded:
        text, value = state_values[source], values[index]
        if text is None or text == "":
            fits = value is None
        elif value is None:
            fits = False
        else:
            found = value if type(value) is bytes else as_octets(value)
            fits = found in companion.column_values(text, db)
        if not fits:
            broken.append(companion.name)
    return broken


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
