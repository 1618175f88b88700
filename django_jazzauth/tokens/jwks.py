"""The published key set (RFC 7517, section 5)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from .. import compact_json
from .keys import LoadedKey, published_keys

MAX_AGE = 300
"""Seconds for which a verifier may keep the set. New keys are published for longer than that
before they sign (:data:`.keys.PUBLISH_AHEAD`)."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """The set as it is sent: JSON, and a tag that changes with it."""

    body: bytes
    etag: str


def key_set(using: str | None = None) -> KeySet:
    """The public keys that tokens may have been signed with, without private members."""
    return _written(published_keys(using))


@lru_cache(maxsize=1)
def _written(published: tuple[LoadedKey, ...]) -> KeySet:
    body = compact_json.encode({"keys": [key.public_jwk for key in published]})
    return KeySet(body=body, etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"')
