"""Every case of ``tests/data/jazz/vectors.json``: what Jazz's own code decided."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from django_jazzauth.identity import (
    CLOCK_SKEW,
    DEFAULT_MAX_TTL,
    KNOWN_ISSUERS,
    InvalidProof,
    RecoveryPhrase,
    RecoveryPhraseError,
    derive_public_key,
    derive_user_id,
    mint_proof,
    normalise_audience,
    seed_from_text,
    seed_to_text,
    verify_proof,
)
from django_jazzauth.identity.seed import USER_ID_NAMESPACE, signing_key

Case = dict[str, Any]
VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data/jazz/vectors.json").read_text(encoding="utf-8")
)


def cases(entries: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", entries, ids=[entry.get("id") for entry in entries])


def test_constants() -> None:
    assert str(USER_ID_NAMESPACE) == VECTORS["user_id_namespace"]
    assert str(uuid.NAMESPACE_DNS) == VECTORS["dns_namespace"]
    assert set(VECTORS["issuers"].values()) == set(KNOWN_ISSUERS)
    assert VECTORS["default_max_ttl"] == DEFAULT_MAX_TTL
    assert VECTORS["clock_skew"] == CLOCK_SKEW
    assert len(VECTORS["verify"]) == 42


@cases(VECTORS["derivation"])
def test_derivation(case: Case) -> None:
    seed = bytes.fromhex(case["seed_hex"])
    assert seed_from_text(case["secret_base64url"]) == seed
    assert seed_to_text(seed) == case["secret_base64url"]
    assert signing_key(seed).private_bytes_raw().hex() == case["ed25519_secret_hex"]
    assert derive_public_key(seed).hex() == case["public_key_hex"]
    assert derive_user_id(seed) == uuid.UUID(case["user_id"])


@cases(VECTORS["audience"])
def test_audience(case: Case) -> None:
    assert normalise_audience(case["input"]) == case["normalised"]


@cases(VECTORS["mint"])
def test_mint(case: Case) -> None:
    token = mint_proof(
        bytes.fromhex(case["seed_hex"]),
        case["aud"],
        ttl=case["ttl"],
        now=case["now"],
        issuer=case["iss"],
    )
    assert token == case["token"]


@cases(VECTORS["verify"])
def test_verify(case: Case) -> None:
    def verify() -> Any:
        return verify_proof(case["token"], case["aud"], max_ttl=case["max_ttl"], now=case["now"])

    if case["ok"]:
        proof = verify()
        assert str(proof.user_id) == case["user_id"]
        assert proof.issuer == case["issuer"]
        assert proof.public_key.hex() == case["public_key_hex"]
        return
    with pytest.raises(InvalidProof) as caught:
        verify()
    assert caught.value.code == case["reason"]
    beginning = case["message"].partition(":")[0]
    assert caught.value.message.startswith(beginning)


@cases(VECTORS["proof_api_without_token"])
def test_without_token(case: Case) -> None:
    with pytest.raises(InvalidProof) as caught:
        verify_proof(case["token"], case["aud"])
    assert caught.value.code == "missing-token"
    assert str(caught.value) == case["error"]


@cases(VECTORS["recovery"]["to_phrase"])
def test_secret_to_phrase(case: Case) -> None:
    if case["ok"]:
        assert RecoveryPhrase.from_secret(case["secret"]) == case["phrase"]
        return
    with pytest.raises(RecoveryPhraseError) as caught:
        RecoveryPhrase.from_secret(case["secret"])
    assert (caught.value.code, str(caught.value)) == (case["code"], case["message"])


@cases(VECTORS["recovery"]["to_secret"])
def test_phrase_to_secret(case: Case) -> None:
    if case["ok"]:
        assert seed_to_text(RecoveryPhrase.to_secret(case["phrase"])) == case["secret"]
        return
    with pytest.raises(RecoveryPhraseError) as caught:
        RecoveryPhrase.to_secret(case["phrase"])
    assert (caught.value.code, str(caught.value)) == (case["code"], case["message"])
