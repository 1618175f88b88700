"""Strict base64url without padding (RFC 4648 section 5, as RFC 7515 section 2 uses it).

Python's decoder skips characters outside the alphabet, wants padding and ignores the unused bits of
the last character, so that many texts decode to the same bytes. Here each byte string has exactly
one text form, which is what makes a token's text unique for its content.
"""

from __future__ import annotations

import base64
import re

from django_jazzauth.identity.errors import Base64Error

_OUTSIDE = re.compile(r"[^A-Za-z0-9_-]")
_ONLY_PADDING = re.compile(r"=+")


def encode(data: bytes) -> str:
    """Return the base64url text of ``data``, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Return the bytes that ``text`` encodes.

    Args:
        text: base64url characters only: no padding, no white space, no ``+`` or ``/``.

    Raises:
        Base64Error: another character, an impossible length, or unused bits that are not zero. The
            text of the error names a character's code and offset, never the content.
    """
    if outside := _OUTSIDE.search(text):
        at = outside.start()
        if _ONLY_PADDING.fullmatch(text, at):
            raise Base64Error("Invalid padding")
        raise Base64Error(f"Invalid symbol {_first_byte(text[at])}, offset {at}.")
    if len(text) % 4 == 1:
        raise Base64Error(f"Invalid input length: {len(text)}")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text:
        raise Base64Error(f"Invalid last symbol {ord(text[-1])}, offset {len(text) - 1}.")
    return data


def _first_byte(char: str) -> int:
    return char.encode("utf-8", "surrogatepass")[0]
