"""Random texts over an alphabet: session tokens, and the tokens in mails."""

from __future__ import annotations

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
