"""Tokens of a running server, verified in Node by jose through ``/jwks``."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from django_jazzauth.identity import derive_user_id, mint_proof
from django_jazzauth.tokens import keys
from django_jazzauth.tokens.algorithms import SUPPORTED

HERE = Path(__file__).parent
ORIGIN = "http://localhost:3100"
SEED = bytes(range(32))

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        shutil.which("node") is None or not (HERE / "node_modules" / "jose").is_dir(),
        reason="needs Node and `npm ci` in tests/interop",
    ),
]


def verify_in_node(jwks: str, token: str) -> Any:
    """What jose says; raises ``CalledProcessError`` when it refuses."""
    command = ["node", str(HERE / "verify_jwt.mjs"), jwks, token, ORIGIN, ORIGIN]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("algorithm", SUPPORTED)
def test_a_token_after_sign_up_with_a_proof(
    live_server: Any, settings: Any, algorithm: str
) -> None:
    keys.forget()
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "BASE_URL": ORIGIN,
        "APP_ID": "interop",
        "JWT": {"ALGORITHM": algorithm},
    }
    address = f"{live_server.url}/api/auth"
    browser = requests.Session()
    body = {
        "email": "alice@example.com",
        "password": "correct-horse-battery",
        "name": "Alice",
        "proofToken": mint_proof(SEED, "interop"),
    }
    answer = browser.post(f"{address}/sign-up/email", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    token = browser.get(f"{address}/token", timeout=30).json()["token"]

    verified = verify_in_node(f"{address}/jwks", token)
    assert verified["payload"]["sub"] == str(derive_user_id(SEED))
    assert verified["protectedHeader"]["alg"] == algorithm

    header, claims, signature = token.split(".")
    other = "A" if signature[5] != "A" else "B"
    with pytest.raises(subprocess.CalledProcessError):
        verify_in_node(
            f"{address}/jwks", f"{header}.{claims}.{signature[:5]}{other}{signature[6:]}"
        )
