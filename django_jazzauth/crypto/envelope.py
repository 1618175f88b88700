"""Sealing with authenticated encryption: events, wrapped keys (GCM) and heads (GCM-SIV)."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV

from ..errors import JazzAuthError

FORMAT = b"\x01"
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
OVERHEAD = 1 + NONCE_BYTES + TAG_BYTES


class EnvelopeError(JazzAuthError, ValueError):
    """Sealed bytes do not open: unknown format, cut short, changed, or bound to another place.

    Which of them it was is not told apart beyond the format: the key and the additional data are
    part of the same check.
    """

    code = "ENVELOPE"


class Envelope:
    """AES-256-GCM (NIST SP 800-38D) under a random nonce.

    The sealed bytes are ``0x01 | nonce (12) | ciphertext | tag (16)``.

    Thread-safe. One key may seal 2**32 messages before random nonces are at risk of repeating. The
    cipher is made for each use, which takes 2 µs: kept, OpenSSL's contexts take 2.5 kB a key, and
    a process remembers thousands of keys.

    Args:
        key: 32 bytes.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = _checked(key)

    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        """Encrypt ``plaintext`` and bind it to ``aad``; the result is 29 bytes longer."""
        return seal_with_nonce(self, plaintext, aad, os.urandom(NONCE_BYTES))

    def open(self, blob: bytes, aad: bytes) -> bytes:
        """The plaintext.

        Raises:
            EnvelopeError: the bytes are not what this key sealed for this ``aad``.
        """
        return _open(AESGCM(self._key), blob, aad)


class HeadCipher:
    """AES-256-GCM-SIV (RFC 8452): ``0x01 | nonce (12) | ciphertext | tag (16)``.

    Heads are deterministic, so that a rebuild gives the same bytes again: the nonce is taken from
    the digest of the head's event. Should a nonce ever come twice with another plaintext, this mode
    keeps both secret. Thread-safe.

    Args:
        key: 32 bytes.
    """

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCMSIV(_checked(key))

    def seal(self, plaintext: bytes, aad: bytes, nonce: bytes) -> bytes:
        """Encrypt ``plaintext`` under a 12-byte ``nonce`` and bind it to ``aad``.

        Raises:
            ValueError: the nonce has another length.
        """
        return b"".join((FORMAT, nonce, self._aead.encrypt(nonce, plaintext, aad)))

    def open(self, blob: bytes, aad: bytes) -> bytes:
        """The plaintext.

        Raises:
            EnvelopeError: the bytes are not what this key sealed for this ``aad``.
        """
        return _open(self._aead, blob, aad)


def seal_with_nonce(envelope: Envelope, plaintext: bytes, aad: bytes, nonce: bytes) -> bytes:
    """Seal under a given nonce. For test vectors only: a repeated nonce breaks AES-GCM."""
    return b"".join((FORMAT, nonce, AESGCM(envelope._key).encrypt(nonce, plaintext, aad)))


def _checked(key: bytes) -> bytes:
    # The primitives would take 16 bytes too, and quietly mean AES-128.
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
    return key


def _open(aead: AESGCM | AESGCMSIV, blob: bytes, aad: bytes) -> bytes:
    if blob[:1] != FORMAT:
        raise EnvelopeError("the sealed bytes are of no known format")
    if len(blob) < OVERHEAD:
        raise EnvelopeError("the sealed bytes are cut short")
    try:
        return aead.decrypt(blob[1 : 1 + NONCE_BYTES], blob[1 + NONCE_BYTES :], aad)
    except InvalidTag:
        raise EnvelopeError("the sealed bytes do not open") from None
