"""The published key set (RFC 7517, section 5)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from .keys import published_keys

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
    keys = [key.public_jwk for key in published_keys(using)]
    body = json.dumps({"keys": keys}, separators=(",", ":")).encode()
    return KeySet(body=body, etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"')
