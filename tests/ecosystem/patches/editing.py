"""Editing the unpacked files: each edit must find exactly what it expects."""

from __future__ import annotations

from pathlib import Path


class EditError(Exception):
    """A file is not as the edit expects; the pin has probably moved on."""


def replace(path: Path, old: str, new: str, *, times: int = 1) -> None:
    """Replace a text in a file.

    Raises:
        EditError: it does not occur as often as said.
    """
    text = path.read_text(encoding="utf-8")
    found = text.count(old)
    if found != times:
        raise EditError(f"{path}: expected {times} times, found {found} times: {old!r}")
    path.write_text(text.replace(old, new), encoding="utf-8")
