"""The column of positions in the log."""

from __future__ import annotations

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class PositionField(models.BigAutoField):  # type: ignore[type-arg]
    """A ``BigAutoField`` for rows that are never deleted.

    On SQLite Django's keeps the highest key in a table of its own, so that none is given twice; to
    write that costs a page for each event. Where nothing is deleted, one more than the highest key
    that is there is as good.
    """

    def db_type_suffix(self, connection: BaseDatabaseWrapper) -> str | None:
        """What follows the column's type; none on SQLite."""
        return None if connection.vendor == "sqlite" else super().db_type_suffix(connection)
