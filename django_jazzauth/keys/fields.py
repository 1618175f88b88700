"""A text column in which only equal texts are equal, on every database."""

from __future__ import annotations

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class ExactCharField(models.CharField):  # type: ignore[type-arg]
    """A ``CharField`` compared byte by byte.

    SQLite and PostgreSQL compare so anyway. MariaDB and MySQL would take ``user/A`` and ``user/a``,
    or a text with blanks at its end, for the same name, and so join two people's keys into one.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """The column's type, with a binary collation where the default is not."""
        base = super().db_type(connection)
        if base is None or connection.vendor != "mysql":
            return base
        return f"{base} CHARACTER SET utf8mb4 COLLATE {self.collation(connection)}"

    @staticmethod
    def collation(connection: BaseDatabaseWrapper) -> str:
        """The collation of such columns on MariaDB or MySQL."""
        mariadb = getattr(connection, "mysql_is_mariadb", False)
        return "utf8mb4_nopad_bin" if mariadb else "utf8mb4_0900_bin"
