"""From the specimens of schema 1 to those of schema 2."""

from __future__ import annotations

from django_jazzauth.sealed.lenses import Convert, Lenses, Rename, Split


def split_name(name: str) -> tuple[str, str]:
    """``Ana Maria`` is ``Ana`` and ``Maria``."""
    first, _, last = name.partition(" ")
    return first, last


def join_name(first: str, last: str) -> str:
    """The other way."""
    return f"{first} {last}".strip()


TO_2 = Lenses(
    Rename("code", "number"),
    Split("name", into=("first", "last"), by=split_name, back=join_name),
    Convert("grams", by=int, back=str),
)
