"""The payload for Jazz servers."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from django_jazzauth.tokens.claims import build_claims
from django_jazzauth.tokens.external import FixedKeys, verify_external
from django_jazzauth.tokens.jwks import key_set
from django_jazzauth.tokens.presets import jazz_claims
from django_jazzauth.tokens.signing import sign
from django_jazzauth.tokens.verification_keys import load_key_set

ORIGIN = "http://localhost:3100"


def unused(user: Any, session: Any) -> dict[str, Any]:
    raise AssertionError("the setting names another payload")


@pytest.mark.django_db
@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256", "PS256"])
def test_a_jazz_server_takes_the_token(settings: Any, algorithm: str) -> None:
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "JWT": {"CLAIMS": "JAZZ", "ALGORITHM": algorithm},
    }
    user = SimpleNamespace(pk="user-1", is_superuser=True)
    claims = build_claims(user, payload=unused, origin=ORIGIN)
    assert claims.keys() == {"claims", "iat", "exp", "iss", "aud", "sub"}
    keys = FixedKeys(load_key_set(json.loads(key_set().body)))
    token = verify_external(sign(claims), keys)
    assert token.subject == "user-1"
    assert token.session_claims == {"role": "admin", "subject": "user-1", "issuer": ORIGIN}


def test_roles_and_custom_claims() -> None:
    assert jazz_claims(SimpleNamespace(is_superuser=False)) == {"claims": {"role": "user"}}
    nurse = SimpleNamespace(is_superuser=True, role="nurse")
    assert jazz_claims(nurse, None, ward=3) == {"claims": {"role": "nurse", "ward": 3}}
