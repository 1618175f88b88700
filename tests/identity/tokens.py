"""Makes tokens that ``mint_proof`` would never make."""

from __future__ import annotations

import base64
import json
from typing import Any

from django_jazzauth.identity import derive_public_key, derive_user_id, normalise_audience
from django_jazzauth.identity.seed import signing_key

SEED = bytes(range(32))
OTHER_SEED = bytes(range(1, 33))
NOW = 1_700_000_000
AUDIENCE = "my-app"
HEADER = b'{"alg":"EdDSA","typ":"JWT"}'


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def claims(seed: bytes = SEED, /, **changed: Any) -> dict[str, Any]:
    """Return proper claims; a value of ``...`` removes the member."""
    members: dict[str, Any] = {
        "iss": "urn:jazz:local-first",
        "sub": str(derive_user_id(seed)),
        "aud": normalise_audience(AUDIENCE),
        "jazz_pub_key": b64(derive_public_key(seed)),
        "iat": NOW,
        "exp": NOW + 60,
    } | changed
    return {name: value for name, value in members.items() if value is not ...}


def signed(payload: bytes | dict[str, Any], header: bytes = HEADER, seed: bytes = SEED) -> str:
    """Return a token over these very bytes, with a valid signature of ``seed``."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signing_input = f"{b64(header)}.{b64(data)}"
    return f"{signing_input}.{b64(signing_key(seed).sign(signing_input.encode()))}"
