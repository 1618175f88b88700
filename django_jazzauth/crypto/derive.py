"""Key derivation: one secret, many independent keys (HKDF-SHA256, RFC 5869)."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .framing import frame

MIN_SECRET = 32


def derive_key(secret: bytes, purpose: str, context: bytes = b"", length: int = 32) -> bytes:
    """Derive a key for one purpose.

    HKDF-SHA256 without salt (RFC 5869, section 3.1: the secret is already uniform), with
    ``info = frame("jazzauth/<purpose>/1", context)``.

    Args:
        secret: uniformly random key material of at least 32 bytes.
        purpose: fixed name of what the key is for; different purposes give independent keys.
        context: what the key belongs to within the purpose, itself framed if of several parts.
        length: bytes wanted, 1 to 8160.

    Raises:
        ValueError: the secret is too short to be one.
    """
    if len(secret) < MIN_SECRET:
        raise ValueError(f"a secret to derive keys from has at least {MIN_SECRET} bytes")
    info = frame(f"jazzauth/{purpose}/1", context)
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(secret)
