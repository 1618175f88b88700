"""The seed of a local-first identity, and what follows from it.

The account *is* a secret of 32 bytes. Its Ed25519 private key (RFC 8032, the 32-byte form) is the
first half of SHA-512 over ``jazz-auth-sign-v1`` and the seed; its user id is the version 5 UUID of
the public key in a namespace of Jazz's own. No registry is involved: anyone can check both.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from django_jazzauth.identity import base64url
from django_jazzauth.identity.errors import Base64Error, InvalidSeed
from django_jazzauth.identity.uuid5 import uuid5

SEED_LENGTH = 32
"""Length of a seed in bytes."""

USER_ID_NAMESPACE = uuid.UUID(bytes=b"jazz-auth-key-v1")
"""Namespace of user ids: 6a617a7a-2d61-7574-682d-6b65792d7631."""

_SIGNING_DOMAIN = b"jazz-auth-sign-v1"


def generate_seed() -> bytes:
    """Return a new random seed of 32 bytes, that is, a new identity."""
    return secrets.token_bytes(SEED_LENGTH)


def seed_to_text(seed: bytes) -> str:
    """Return the text form that Jazz clients keep: 43 characters of base64url without padding.

    Raises:
        InvalidSeed: ``seed`` is not 32 bytes.
    """
    return base64url.encode(_checked(seed))


def seed_from_text(text: str) -> bytes:
    """Return the 32 bytes behind a seed's text form.

    Args:
        text: strict base64url, 43 characters.

    Raises:
        InvalidSeed: anything else. The message does not repeat the text.
    """
    if not isinstance(text, str):
        raise InvalidSeed("seed must be text")
    try:
        seed = base64url.decode(text)
    except Base64Error as error:
        raise InvalidSeed(f"seed base64 decode error: {error}") from None
    return _checked(seed)


def signing_key(seed: bytes) -> Ed25519PrivateKey:
    """Return the private key that signs the proofs of ``seed``.

    Raises:
        InvalidSeed: ``seed`` is not 32 bytes.
    """
    material = hashlib.sha512(_SIGNING_DOMAIN + _checked(seed)).digest()[:SEED_LENGTH]
    return Ed25519PrivateKey.from_private_bytes(material)


def derive_public_key(seed: bytes) -> bytes:
    """Return the 32-byte Ed25519 public key of ``seed``.

    Raises:
        InvalidSeed: ``seed`` is not 32 bytes.
    """
    return signing_key(seed).public_key().public_bytes_raw()


def derive_user_id(seed: bytes) -> uuid.UUID:
    """Return the user id of ``seed``: the same on every device that holds the seed.

    Args:
        seed: 32 bytes (``seed_from_text`` reads the text form).

    Raises:
        InvalidSeed: ``seed`` is not 32 bytes.
    """
    return user_id_of(derive_public_key(seed))


def user_id_of(public_key: bytes) -> uuid.UUID:
    """Return the user id that belongs to the 32 raw bytes of an Ed25519 public key."""
    return uuid5(USER_ID_NAMESPACE, public_key)


def _checked(seed: bytes) -> bytes:
    if not isinstance(seed, bytes | bytearray | memoryview):
        raise InvalidSeed("seed must be bytes; seed_from_text() reads the text form")
    data = bytes(seed)
    if len(data) != SEED_LENGTH:
        raise InvalidSeed("seed must be exactly 32 bytes")
    return data
