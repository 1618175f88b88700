"""Sealing to a public key: HPKE, RFC 9180, base mode, HKDF-SHA256 and AES-256-GCM.

Two suites. ``mlkem768-x25519`` (the default) takes the hybrid KEM of ML-KEM-768 and X25519, so that
what is sealed today stays closed should either be broken; ``x25519`` is RFC 9180's
DHKEM(X25519, HKDF-SHA256). The suite's number is part of the sealed bytes, so both can live side by
side.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from ..errors import JazzAuthError
from .derive import derive_key
from .envelope import FORMAT, EnvelopeError

HYBRID = "mlkem768-x25519"
CLASSIC = "x25519"
SUITES = (HYBRID, CLASSIC)

_MLKEM_PUBLIC = 1184
_X25519_PUBLIC = 32
_SEED_BYTES = 64

_PrivateKey = MLKEM768X25519PrivateKey | X25519PrivateKey


@dataclass(frozen=True, slots=True)
class _SuiteFacts:
    number: int
    suite: Suite
    public_bytes: int


_FACTS = {
    HYBRID: _SuiteFacts(
        1,
        Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
        _MLKEM_PUBLIC + _X25519_PUBLIC,
    ),
    CLASSIC: _SuiteFacts(2, Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM), _X25519_PUBLIC),
}


class UnknownSuite(JazzAuthError, ValueError):
    """No HPKE suite of this name in this release."""

    code = "UNKNOWN_SUITE"


class ImproperPublicKey(JazzAuthError, ValueError):
    """Bytes that are no public key of the suite."""

    code = "IMPROPER_PUBLIC_KEY"


class HpkeKey:
    """A private key of one suite, derived from a 32-byte secret.

    Args:
        suite: ``mlkem768-x25519`` or ``x25519``.
        secret: 32 random bytes. Each suite, and each half of the hybrid, takes a key of its own
            from it.

    Attributes:
        suite: as given.
        public_key: the public key's bytes (ML-KEM-768's 1184 followed by X25519's 32; or the 32).

    Raises:
        UnknownSuite: no suite of this name.
    """

    __slots__ = ("_private", "public_key", "suite")

    def __init__(self, suite: str, secret: bytes) -> None:
        _facts(suite)
        self.suite = suite
        self._private: _PrivateKey
        if suite == HYBRID:
            mlkem = MLKEM768PrivateKey.from_seed_bytes(
                derive_key(secret, f"hpke/{HYBRID}/mlkem768", length=_SEED_BYTES)
            )
            x25519 = X25519PrivateKey.from_private_bytes(
                derive_key(secret, f"hpke/{HYBRID}/x25519")
            )
            self._private = MLKEM768X25519PrivateKey(mlkem, x25519)
            self.public_key = (
                mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
            )
        else:
            alone = X25519PrivateKey.from_private_bytes(
                derive_key(secret, f"hpke/{CLASSIC}/x25519")
            )
            self._private = alone
            self.public_key = alone.public_key().public_bytes_raw()

    def open(self, blob: bytes, info: bytes) -> bytes:
        """What was sealed to this key for this ``info``.

        Raises:
            EnvelopeError: sealed to another key, under another suite, for another ``info``, or
                changed.
        """
        facts = _facts(self.suite)
        if blob[:2] != FORMAT + bytes((facts.number,)):
            raise EnvelopeError("the sealed bytes are of no known format, or of another suite")
        try:
            return facts.suite.decrypt(blob[2:], self._private, info)
        except (InvalidTag, ValueError):
            raise EnvelopeError("the sealed bytes do not open") from None


def seal_to(suite: str, public_key: bytes, plaintext: bytes, info: bytes) -> bytes:
    """Seal to a public key: ``0x01 | suite's number (1) | encapsulated key | ciphertext | tag``.

    Args:
        suite: ``mlkem768-x25519`` or ``x25519``.
        public_key: as :attr:`HpkeKey.public_key` gives it.
        plaintext: what only the holder of the private key shall read.
        info: what it is bound to.

    Raises:
        UnknownSuite: no suite of this name.
        ImproperPublicKey: the bytes are no public key of the suite.
    """
    facts = _facts(suite)
    if len(public_key) != facts.public_bytes:
        raise ImproperPublicKey(f"a public key of {suite} has {facts.public_bytes} bytes")
    try:
        x25519 = X25519PublicKey.from_public_bytes(public_key[-_X25519_PUBLIC:])
        recipient = (
            MLKEM768X25519PublicKey(
                MLKEM768PublicKey.from_public_bytes(public_key[:_MLKEM_PUBLIC]), x25519
            )
            if suite == HYBRID
            else x25519
        )
        sealed = facts.suite.encrypt(plaintext, recipient, info)
    except ValueError:
        raise ImproperPublicKey(f"the bytes are no public key of {suite}") from None
    return FORMAT + bytes((facts.number,)) + sealed


def public_key_length(suite: str) -> int:
    """Bytes of a public key of a suite.

    Raises:
        UnknownSuite: no suite of this name.
    """
    return _facts(suite).public_bytes


def _facts(suite: str) -> _SuiteFacts:
    try:
        return _FACTS[suite]
    except KeyError:
        raise UnknownSuite(f"{suite!r} is not one of {', '.join(SUITES)}") from None
