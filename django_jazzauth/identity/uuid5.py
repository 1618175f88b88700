"""UUID version 5 of raw bytes (RFC 9562 section 5.5).

``uuid.uuid5`` of Python 3.11 takes text only; a user id is the UUID of 32 raw key bytes.
"""

from __future__ import annotations

import hashlib
import uuid


def uuid5(namespace: uuid.UUID, name: bytes) -> uuid.UUID:
    """Return the version 5 UUID of ``name`` in ``namespace``.

    SHA-1 is part of the UUID's definition; nothing rests on its resistance to collisions, because a
    proof carries the whole public key and is checked against that.
    """
    digest = hashlib.sha1(namespace.bytes + name, usedforsecurity=False).digest()
    return uuid.UUID(bytes=digest[:16], version=5)
