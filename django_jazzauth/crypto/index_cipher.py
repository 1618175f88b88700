"""Deterministic encryption of searchable columns (AES-SIV, RFC 5297)."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from .envelope import FORMAT, EnvelopeError
from .framing import frame

KEY_BYTES = 64
MAX_GENERATION = 255
OVERHEAD = 2 + 16


class IndexCipher:
    """AES-256-SIV: ``0x01 | generation (1) | synthetic IV (16) | ciphertext``.

    Equal values give equal bytes, which is what lets a database compare, join and constrain them;
    that values are equal is all it shows. Thread-safe.

    Args:
        key: 64 bytes.
        generation: number of the index key, 1 to 255; readable in the result.
        context: what the values belong to, e.g. ``frame(entity, field)``.
    """

    __slots__ = ("_data", "_header", "_siv", "generation")

    def __init__(self, key: bytes, generation: int, context: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"an index key has {KEY_BYTES} bytes, not {len(key)}")
        if not 1 <= generation <= MAX_GENERATION:
            raise ValueError(f"an index key's generation is 1 to {MAX_GENERATION}")
        self.generation = generation
        self._siv = AESSIV(key)
        self._header = FORMAT + bytes((generation,))
        self._data = [frame("jazzauth/index/1", context, generation)]

    def seal(self, value: bytes) -> bytes:
        """Encrypt ``value``; the result is 18 bytes longer and always the same."""
        return self._header + self._siv.encrypt(value, self._data)

    def open(self, blob: bytes) -> bytes:
        """The value.

        Raises:
            EnvelopeError: the bytes were not sealed by this cipher.
        """
        if blob[:2] != self._header:
            raise EnvelopeError("the column is of no known format, or of another generation")
        if len(blob) < OVERHEAD:
            raise EnvelopeError("the column is cut short")
        try:
            return self._siv.decrypt(blob[2:], self._data)
        except InvalidTag:
            raise EnvelopeError("the column does not open") from None
