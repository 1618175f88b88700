"""What sealed columns are, for the modules below the fields themselves."""

from __future__ import annotations

from typing import Any


class SealedKind:
    """A field whose value lives in the head."""

    searchable: bool
    casefold: bool
    column: str
    name: str
    attname: str
    model: Any

    def column_value(self, primitive: Any, alias: str) -> bytes | int | None:
        """What the column holds for an encoded value; see ``SealedFieldMixin``."""
        raise TypeError(f"{type(self).__name__} is only a kind; derive from SealedFieldMixin.")


class FoldedKind:
    """A companion column that follows a sealed field."""

    column: str
    name: str
    attname: str
    source: Any

    def column_value(self, value: Any, alias: str) -> bytes | None:
        """What the column holds for a Python value; see ``FoldedField``."""
        raise TypeError(f"{type(self).__name__} is only a kind; derive from FoldedField.")
