"""Text on its way into a state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models

from ..errors import ValueNotStorable


def check_text(field: Any, value: str) -> str:
    """Refuse text that no database or JSON reader could hold.

    Raises:
        ValueNotStorable: the text has a NUL character or a lone surrogate, or is longer than
            the field's ``max_length``.
    """
    if "\x00" in value:
        raise ValueNotStorable(f"{field} cannot hold a NUL (0x00) character.")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueNotStorable(f"{field} cannot hold a lone surrogate.") from None
    limit = field.max_length
    if limit is not None and len(value) > limit:
        raise ValueNotStorable(f"{field} holds at most {limit} characters, not {len(value)}.")
    return value


def text_encoder(field: Any, prepare: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function that makes the primitive of a field's text.

    Args:
        field: of text.
        prepare: makes text of other values, as the field does for a database.
    """
    stays_none = _stays_none(field)

    def encode(value: Any) -> str | None:
        if type(value) is str and value.isascii() and "\x00" not in value:  # nearly always
            limit = field.max_length
            if limit is None or len(value) <= limit:
                return value
        if value is None and stays_none:
            return None
        return _text_primitive(field, prepare, value)

    return encode


def _stays_none(field: Any) -> bool:
    """Whether a field of text keeps NULL as it is; one of a project's own may write empty text."""
    return any(
        type(field).get_prep_value is kind.get_prep_value
        and type(field).to_python is kind.to_python
        for kind in (models.CharField, models.TextField)
    )


def _text_primitive(field: Any, prepare: Callable[[Any], Any], value: Any) -> str | None:
    if type(value) is not str:
        value = prepare(value)
        if value is None:
            return None
        # What a driver would send: an enumeration's text, not its name.
        value = str.__str__(value) if isinstance(value, str) else str(value)
    return check_text(field, value)
