"""Bodies whose fields say all there is to check, checked in one loop.

DRF asks every field, for every request, what a declaration settles once: some ninety calls for
the two members of a sign-in. What cannot be settled, and whatever is wrong, is left to DRF.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers
from rest_framework.fields import Field, SkipField, empty

Check = Callable[[dict[str, Any]], dict[str, Any] | None]
"""Takes the parsed body, returns its members under our names; ``None`` if something is wrong."""

_REFUSALS = (serializers.ValidationError, DjangoValidationError, SkipField)

# What a class may override to have a say of its own in the checking.
_OF_SERIALIZERS = (
    *("run_validation", "validate_empty_values", "to_internal_value", "run_validators"),
    *("validate", "set_value", "get_validators", "validators", "fields"),
    *("_writable_fields", "_read_only_defaults"),
)
_OF_FIELDS = (
    *("get_value", "validate_empty_values", "run_validation", "get_default", "run_validators"),
    *("get_validators", "validators", "default_validators"),
)


def ordinary_check(serializer: Any, members: Sequence[tuple[str, str]]) -> Check | None:
    """A function that does what ``serializer.run_validation()`` does, where that is ordinary.

    Args:
        serializer: of a body; it is used for many requests and does not change.
        members: our names of its members with the client's, in their order.

    Returns:
        ``None`` if the serializer, or one of its fields, has anything to it but
        ``to_internal_value()``, ``required`` and ``allow_null``.
    """
    fields = serializer.fields
    if (
        not _is_as_made(serializer, serializers.Serializer, _OF_SERIALIZERS)
        or getattr(serializer, "Meta", None) is not None
        or serializer.partial
        or set(fields) != {sent_as for _name, sent_as in members}
        or any(hasattr(serializer, f"validate_{sent_as}") for sent_as in fields)
        or not all(_is_ordinary(field) for field in fields.values())
    ):
        return None
    table = []
    for name, sent_as in members:
        field = fields[sent_as]
        convert = field.to_internal_value
        table.append((name, sent_as, field.required, field.allow_null, convert))

    def check(data: dict[str, Any]) -> dict[str, Any] | None:
        known: dict[str, Any] = {}
        try:
            for name, sent_as, required, nullable, convert in table:
                value = data.get(sent_as, empty)
                if value is empty:
                    if required:
                        return None
                elif value is not None:
                    known[name] = convert(value)
                elif nullable:
                    known[name] = None
                else:
                    return None
        except _REFUSALS:
            return None
        return known

    return check


def _is_ordinary(field: Any) -> bool:
    return (
        _is_as_made(field, Field, _OF_FIELDS)
        and not field.validators
        and not field.read_only
        and field.default is empty
        and field.source == field.field_name
        and "." not in field.source
    )


def _is_as_made(given: Any, base: type, names: tuple[str, ...]) -> bool:
    """Whether DRF's own ``names`` are those of an instance."""
    cls = type(given)
    own = vars(given)
    return all(
        getattr(cls, name, None) is getattr(base, name, None) and not callable(own.get(name))
        for name in names
    )
