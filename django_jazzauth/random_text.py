"""Random texts: session tokens, the tokens in mails, and ids of requests."""

from __future__ import annotations

import os
import secrets
from functools import lru_cache


def random_text(length: int, letters: str) -> str:
    """Draw ``length`` of ``letters``, each as likely as any other.

    The operating system is asked for many bytes at once; one call for each letter takes longer than
    all else that a session token needs.

    Args:
        length: how many.
        letters: ASCII, each once, at most 256.
    """
    table, surplus = _tables(letters)
    drawn = b""
    while len(drawn) < length:
        drawn += secrets.token_bytes(2 * length).translate(table, surplus)
    return drawn[:length].decode("ascii")


@lru_cache(maxsize=16)
def _tables(letters: str) -> tuple[bytes, bytes]:
    """Byte -> letter, and the bytes that are left out: they would make some letters more likely."""
    alphabet = letters.encode("ascii")
    fair = 256 - 256 % len(alphabet)
    table = bytes(alphabet[byte % len(alphabet)] for byte in range(256))
    return table, bytes(range(fair, 256))


def random_uuid() -> str:
    """A random UUID (RFC 9562, version 4) as text: ``str(uuid4())`` without the objects between."""
    drawn = bytearray(os.urandom(16))
    drawn[6] = drawn[6] & 0x0F | 0x40
    drawn[8] = drawn[8] & 0x3F | 0x80
    text = drawn.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
