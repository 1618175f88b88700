"""Checkpoints in files outside the database."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ..crypto.notes import NoteError
from ..errors import StoreError


def read_outside(path: str) -> str | None:
    """The checkpoint that is kept in a file; None if there is no file yet.

    Raises:
        NoteError: the file cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise NoteError(f"The checkpoint in {path} cannot be read: {reason}.") from None


def replace_outside(path: str, text: str) -> None:
    """Put a text into a file, down to the disk: a reader finds the old text or the new one.

    Raises:
        StoreError: it cannot be written; what was there is still there.
    """
    target = Path(path)
    name = ""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)  # a checkpoint is public
        os.replace(name, target)
        name = ""
        directory = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        if name:
            Path(name).unlink(missing_ok=True)
