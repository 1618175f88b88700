"""The database file as somebody sees it who took a copy: without Django and without keys."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

USER_TABLE = "jazzauth_user"
EVENT_TABLE = "jazzauth_event"


@contextmanager
def _opened() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(settings.DATABASES["default"]["NAME"], timeout=20)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def user_columns(user_id: uuid.UUID, *names: str) -> tuple[bytes, ...]:
    """Columns of a user's row, as they are stored."""
    with _opened() as connection:
        row: tuple[bytes, ...] = connection.execute(
            f"SELECT {', '.join(names)} FROM {USER_TABLE} WHERE id = ?", [user_id.hex]
        ).fetchone()
    return row


def event_payload(stream: str, version: int) -> bytes:
    """What is stored of an event."""
    with _opened() as connection:
        (payload,) = connection.execute(
            f"SELECT payload FROM {EVENT_TABLE} WHERE stream = ? AND version = ?", [stream, version]
        ).fetchone()
    return bytes(payload)


def set_superuser(user_id: uuid.UUID, value: bool) -> None:
    """Write the column behind Django's back, as an intruder with SQL would."""
    with _opened() as connection:
        connection.execute(
            f"UPDATE {USER_TABLE} SET is_superuser = ? WHERE id = ?", [value, user_id.hex]
        )


def occurrences(text: str) -> int:
    """How often a text stands in the database file and the files beside it (WAL)."""
    file = Path(settings.DATABASES["default"]["NAME"])
    files = [path for path in file.parent.glob(f"{file.name}*") if path.is_file()]
    return sum(path.read_bytes().count(text.encode()) for path in files)


def shown(data: bytes, length: int = 20) -> str:
    """The beginning of some bytes in hex."""
    return f"{data[:length].hex()}… ({len(data)} bytes)"
