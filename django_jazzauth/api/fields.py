"""Serializer fields that are as strict, and complain in the same words, as Better Auth's schemas.

DRF's own fields convert: 5 becomes "5". Better Auth refuses.
"""

from __future__ import annotations

import re
from typing import Any

from rest_framework import serializers

# The addresses that Better Auth takes (the default rule of the schema library that it uses).
_EMAIL = re.compile(
    r"(?!\.)(?!.*\.\.)[A-Za-z0-9_'+\-.]*[A-Za-z0-9_+\-]@"
    r"(?:[A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}"
)
EMAIL_MAX_LENGTH = 254


def type_name(value: Any) -> str:
    """What JSON calls the type of ``value``."""
    names: tuple[tuple[Any, str], ...] = (
        (bool, "boolean"),
        (int | float, "number"),
        (str, "string"),
        (list, "array"),
        (dict, "object"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "null")


def is_email(text: str) -> bool:
    """Whether ``text`` is an e-mail address that Better Auth would take."""
    return len(text) <= EMAIL_MAX_LENGTH and _EMAIL.fullmatch(text) is not None


class StrictField(serializers.Field[Any, Any, Any, Any]):
    """A member of one JSON type; neither converted nor trimmed. Missing is not null."""

    kind: type = object
    kind_name = "unknown"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        expected = f"Invalid input: expected {self.kind_name}, received"
        self.error_messages |= {"required": f"{expected} undefined", "null": f"{expected} null"}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, self.kind):
            raise serializers.ValidationError(
                f"Invalid input: expected {self.kind_name}, received {type_name(data)}"
            )
        return data

    def to_representation(self, value: Any) -> Any:
        return value

    def json_schema(self) -> dict[str, Any] | None:
        """What the field takes, as JSON Schema; ``None`` keeps it out of documents."""
        return None if self.kind is object else {"type": self.kind_name}


class StringField(StrictField):
    """A string, with lengths in characters."""

    kind = str
    kind_name = "string"

    def __init__(
        self, *, min_length: int = 0, max_length: int | None = None, **kwargs: Any
    ) -> None:
        self.min_length = min_length
        self.max_length = max_length
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            super().to_internal_value(data)  # refuses it
        text: str = data
        if "\x00" in text:
            # No database that we know stores it, and no form of Django's lets it through.
            raise serializers.ValidationError("Invalid string: must not contain NUL")
        if len(text) < self.min_length:
            raise serializers.ValidationError(
                f"Too small: expected string to have >={self.min_length} characters"
            )
        if self.max_length is not None and len(text) > self.max_length:
            raise serializers.ValidationError(
                f"Too big: expected string to have <={self.max_length} characters"
            )
        return text

    def json_schema(self) -> dict[str, Any]:
        """With the lengths."""
        lengths = {"minLength": self.min_length or None, "maxLength": self.max_length}
        known = {name: length for name, length in lengths.items() if length is not None}
        return {"type": "string", **known}


class EmailField(StringField):
    """An e-mail address."""

    def json_schema(self) -> dict[str, Any]:
        """With the format."""
        return {**super().json_schema(), "format": "email", "maxLength": EMAIL_MAX_LENGTH}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not is_email(text):
            raise serializers.ValidationError("Invalid email address")
        return text


class BooleanField(StrictField):
    """``true`` or ``false``."""

    kind = bool
    kind_name = "boolean"
