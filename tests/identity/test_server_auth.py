"""The self-signed tokens among the requests of ``tests/data/jazz/server-auth.json``.

Which method a request uses is the API's business; here only what ``verify_proof`` makes of the
bearer tokens with the app id as audience.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from django_jazzauth.identity import (
    ANONYMOUS_ISSUER,
    KNOWN_ISSUERS,
    LOCAL_FIRST_ISSUER,
    InvalidProof,
    verify_proof,
)

ISSUER_OF_MODE = {"local-first": LOCAL_FIRST_ISSUER, "anonymous": ANONYMOUS_ISSUER}
BEARERS: list[dict[str, Any]] = [
    case
    for case in json.loads(
        (Path(__file__).parents[1] / "data/jazz/server-auth.json").read_text(encoding="utf-8")
    )["cases"]
    if case["headers"].get("authorization", "").removeprefix("Bearer ").count(".") == 2
]


def token_of(case: dict[str, Any]) -> str:
    return str(case["headers"]["authorization"]).removeprefix("Bearer ")


def issuer_of(case: dict[str, Any]) -> str | None:
    payload = token_of(case).split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    issuer = claims.get("iss")
    return issuer if issuer in KNOWN_ISSUERS else None


@pytest.mark.parametrize("case", BEARERS, ids=[case["id"] for case in BEARERS])
def test_bearer(case: dict[str, Any]) -> None:
    switched_off = case.get("error", {}).get("code") == "disabled"
    if issuer_of(case) and (case["ok"] or switched_off):
        proof = verify_proof(token_of(case), case["app_id"], now=case["now"])
        if case["ok"]:
            assert str(proof.user_id) == case["session"]["user_id"]
            assert proof.issuer == ISSUER_OF_MODE[case["session"]["auth_mode"]]
        return
    with pytest.raises(InvalidProof) as caught:
        verify_proof(token_of(case), case["app_id"], now=case["now"])
    if issuer_of(case):
        if case["error"]["code"] == "expired":
            assert caught.value.code == "expired"
        else:
            assert str(caught.value) == case["error"]["message"]


def test_the_file_has_self_signed_tokens() -> None:
    assert sum(issuer_of(case) is not None for case in BEARERS) == 7
