"""Minting, verifying, and the order in which faults are found."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import pickle
import subprocess
import sys
import time
import traceback
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_jazzauth.errors import JazzAuthError
from django_jazzauth.identity import (
    ANONYMOUS_ISSUER,
    LOCAL_FIRST_ISSUER,
    ImproperAudience,
    InvalidProof,
    InvalidSeed,
    MintError,
    Proof,
    derive_public_key,
    derive_user_id,
    mint_proof,
    normalise_audience,
    verify_proof,
)
from django_jazzauth.identity.seed import signing_key
from tests.identity.tokens import AUDIENCE, HEADER, NOW, OTHER_SEED, SEED, b64, claims, signed

seeds = st.binary(min_size=32, max_size=32)
texts = st.text(st.characters(codec="utf-8"), max_size=40)


def refusal(token: Any, **options: Any) -> InvalidProof:
    with pytest.raises(InvalidProof) as caught:
        verify_proof(token, AUDIENCE, **{"now": NOW} | options)
    return caught.value


@given(
    seeds,
    texts,
    st.integers(1, 3600),
    st.integers(0, 2**40),
    st.sampled_from([LOCAL_FIRST_ISSUER, ANONYMOUS_ISSUER]),
)
@settings(max_examples=50)
def test_round_trip(seed: bytes, audience: str, ttl: int, now: int, issuer: str) -> None:
    token = mint_proof(seed, audience, ttl=ttl, now=now, issuer=issuer)
    assert verify_proof(token, audience, now=now) == Proof(
        user_id=derive_user_id(seed),
        public_key=derive_public_key(seed),
        issuer=issuer,
        audience=normalise_audience(audience),
        issued_at=now,
        expires_at=now + ttl,
        digest=hashlib.sha256(token.encode()).digest(),
    )


TOKEN = mint_proof(SEED, AUDIENCE, now=NOW)


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_a_changed_character_never_verifies(index: int, char: str) -> None:
    changed = TOKEN[:index] + char + TOKEN[index + 1 :]
    if changed != TOKEN:
        refusal(changed)


@given(st.integers(0, len(TOKEN)), st.text(min_size=1, max_size=3))
def test_an_inserted_character_never_verifies(index: int, more: str) -> None:
    refusal(TOKEN[:index] + more + TOKEN[index:])


@given(st.integers(0, len(TOKEN) - 1), st.integers(1, len(TOKEN)))
def test_a_token_with_a_part_cut_out_never_verifies(start: int, length: int) -> None:
    refusal(TOKEN[:start] + TOKEN[start + length :])


@given(st.data())
def test_a_flipped_bit_never_verifies(data: st.DataObject) -> None:
    """Every bit of the decoded header, claims and signature counts."""
    header, payload, signature = (bytearray(_decode(part)) for part in TOKEN.split("."))
    chosen = data.draw(st.sampled_from([header, payload, signature]))
    index = data.draw(st.integers(0, len(chosen) - 1))
    chosen[index] ^= 1 << data.draw(st.integers(0, 7))
    refusal(".".join(b64(bytes(part)) for part in (header, payload, signature)))


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@given(st.text() | st.binary() | st.none() | st.integers() | st.lists(st.text()))
def test_anything_else_is_an_invalid_proof(token: Any) -> None:
    error = refusal(token)
    assert error.code in {"missing-token", "structure", "header-base64", "header-json"}


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=70))
def test_arbitrary_segments(header: bytes, payload: bytes, signature: bytes) -> None:
    refusal(f"{b64(header)}.{b64(payload)}.{b64(signature)}")
    refusal(f"{b64(HEADER)}.{b64(payload)}.{b64(signature)}")


NAMES = ["iss", "sub", "aud", "jazz_pub_key", "iat", "exp"]


@given(
    st.dictionaries(
        st.sampled_from(NAMES),
        st.none() | texts | st.integers() | st.floats() | st.binary(max_size=40).map(b64),
        min_size=1,
    )
)
def test_arbitrary_claims_with_a_valid_signature(changed: dict[str, Any]) -> None:
    """What verifies all the same said nothing but the truth."""
    members = claims(**changed)
    try:
        proof = verify_proof(signed(members), AUDIENCE, now=NOW)
    except InvalidProof:
        return
    assert str(proof.user_id) == members["sub"]
    assert proof.issued_at <= NOW + 60
    assert proof.expires_at > NOW


def test_the_order_of_the_checks() -> None:
    """A token with every fault at once; each repair brings the next fault to light."""
    wrong = {
        "iss": "urn:jazz:self-signed",
        "aud": "elsewhere",
        "jazz_pub_key": None,
        "sub": None,
        "iat": None,
        "exp": None,
    }
    parts: dict[str, Any] = {
        "dots": ",",
        "header": "é",
        "payload": "=",
        "claims": wrong,
        "signature": "é",
    }

    def code() -> str:
        payload = parts["payload"]
        if payload is None:
            payload = b64(json.dumps(parts["claims"]).encode())
        signature = parts["signature"]
        if signature is None:
            signature = b64(signing_key(SEED).sign(f"{parts['header']}.{payload}".encode()))
        return refusal(parts["dots"].join([parts["header"], payload, signature])).code

    key = b64(derive_public_key(SEED))
    repairs: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("structure", {}, {}),
        ("header-base64", {"dots": "."}, {}),
        ("header-json", {"header": b64(b"{")}, {}),
        ("alg", {"header": b64(b'{"alg":"none"}')}, {}),
        ("claims-base64", {"header": b64(HEADER)}, {}),
        ("claims-json", {"payload": b64(b"{")}, {}),
        ("issuer", {"payload": None}, {}),
        ("audience", {}, {"iss": LOCAL_FIRST_ISSUER}),
        ("missing-pub-key", {}, {"aud": normalise_audience(AUDIENCE)}),
        ("pub-key-base64", {}, {"jazz_pub_key": key + "="}),
        ("pub-key-length", {}, {"jazz_pub_key": ""}),
        ("pub-key", {}, {"jazz_pub_key": b64(b"\2" + bytes(31))}),
        ("signature-base64", {}, {"jazz_pub_key": key}),
        ("signature-length", {"signature": ""}, {}),
        ("signature", {"signature": b64(b"\1" * 64)}, {}),
        ("missing-sub", {"signature": None}, {}),
        ("sub-mismatch", {}, {"sub": str(derive_user_id(OTHER_SEED))}),
        ("missing-iat", {}, {"sub": str(derive_user_id(SEED))}),
        ("missing-exp", {}, {"iat": NOW + 61}),
        ("future-iat", {}, {"exp": NOW}),
        ("expired", {}, {"iat": NOW - 3601}),
        ("ttl", {}, {"exp": NOW + 1}),
    ]
    for expected, repaired_parts, repaired_claims in repairs:
        parts |= repaired_parts
        parts["claims"] |= repaired_claims
        assert code() == expected


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"iat": NOW + 60}, None),
        ({"iat": NOW + 61}, "future-iat"),
        ({"exp": NOW + 1}, None),
        ({"exp": NOW}, "expired"),
        ({"exp": NOW - 1}, "expired"),
        ({"iat": NOW - 3000, "exp": NOW + 600}, None),
        ({"iat": NOW - 3000, "exp": NOW + 601}, "ttl"),
        ({"iat": NOW + 30, "exp": NOW + 10}, None),
        ({"iat": 0}, "ttl"),
        ({"iat": 0, "exp": 2**64 - 1}, "ttl"),
        ({"iat": 2**64 - 1, "exp": 2**64 - 1}, "future-iat"),
        ({"exp": 0}, "expired"),
    ],
)
def test_times(changed: dict[str, int], code: str | None) -> None:
    token = signed(claims(**changed))
    if code is None:
        assert verify_proof(token, AUDIENCE, now=NOW)
    else:
        assert refusal(token).code == code


def test_time_texts() -> None:
    assert str(refusal(TOKEN, now=NOW + 60)) == f"token expired: exp={NOW + 60}, now={NOW + 60}"
    assert str(refusal(TOKEN, now=NOW - 61)) == (
        f"token issued in the future: iat={NOW}, now={NOW - 61}"
    )
    assert str(refusal(TOKEN, max_ttl=59)) == "token ttl 60s exceeds max 59s"


def test_fractions_of_a_second_are_dropped() -> None:
    assert verify_proof(TOKEN, AUDIENCE, now=NOW + 59.99)
    assert mint_proof(SEED, AUDIENCE, now=NOW + 0.99) == TOKEN


def test_the_system_clock_is_the_default() -> None:
    before = int(time.time())
    proof = verify_proof(mint_proof(SEED, AUDIENCE), AUDIENCE)
    assert before <= proof.issued_at <= int(time.time())
    assert proof.expires_at - proof.issued_at == 60


def test_issuers_can_be_narrowed() -> None:
    anonymous = mint_proof(SEED, AUDIENCE, now=NOW, issuer=ANONYMOUS_ISSUER)
    assert verify_proof(anonymous, AUDIENCE, now=NOW).issuer == ANONYMOUS_ISSUER
    for only in ((LOCAL_FIRST_ISSUER,), LOCAL_FIRST_ISSUER, LOCAL_FIRST_ISSUER + ANONYMOUS_ISSUER):
        error = refusal(anonymous, issuers=only)
        assert str(error) == 'invalid issuer: Some("urn:jazz:anonymous")'
    assert verify_proof(TOKEN, AUDIENCE, now=NOW, issuers=[LOCAL_FIRST_ISSUER])
    assert refusal(TOKEN, issuers=()).code == "issuer"


@pytest.mark.parametrize("issuer", ["", "urn:jazz:self-signed", "URN:JAZZ:LOCAL-FIRST", 'a\n"b'])
def test_other_issuers(issuer: str) -> None:
    token = mint_proof(SEED, AUDIENCE, now=NOW, issuer=issuer)
    error = refusal(token)
    assert error.code == "issuer"
    assert "\n" not in str(error)


@pytest.mark.parametrize("spelling", [str.upper, "{{{}}}".format, "urn:uuid:{}".format])
def test_sub_is_compared_as_text(spelling: Any) -> None:
    token = signed(claims(sub=spelling(str(derive_user_id(SEED)))))
    error = refusal(token)
    assert error.code == "sub-mismatch"
    assert str(error).startswith(f"sub mismatch: expected {derive_user_id(SEED)}, got ")


@pytest.mark.parametrize("claim", ["my-app", str.upper(normalise_audience(AUDIENCE)), ""])
def test_the_audience_claim_must_be_normalised(claim: str) -> None:
    error = refusal(signed(claims(aud=claim)))
    assert error.code == "audience"
    assert str(error) == (
        f'audience mismatch: expected "{normalise_audience(AUDIENCE)}", got Some("{claim}")'
    )


def test_the_audience_may_be_a_uuid() -> None:
    app = uuid.UUID(normalise_audience(AUDIENCE))
    assert verify_proof(TOKEN, app, now=NOW)
    assert mint_proof(SEED, app, now=NOW) == TOKEN


def test_the_callers_audience_must_be_text() -> None:
    with pytest.raises(ImproperAudience):
        verify_proof(TOKEN, None)  # type: ignore[arg-type]
    with pytest.raises(ImproperAudience):
        mint_proof(SEED, "\udfff")


@pytest.mark.parametrize(
    "wrong",
    [
        {"ttl": -1},
        {"ttl": 1.5},
        {"ttl": "60"},
        {"now": -1},
        {"ttl": 2**64},
        {"now": 2**64 - 1, "ttl": 1},
        {"issuer": "\ud800"},
        {"issuer": None},
    ],
)
def test_what_cannot_be_minted(wrong: dict[str, Any]) -> None:
    with pytest.raises(MintError) as caught:
        mint_proof(SEED, AUDIENCE, **wrong)
    assert caught.value.code == "PROOF_NOT_MINTABLE"


def test_mint_needs_a_seed() -> None:
    with pytest.raises(InvalidSeed):
        mint_proof(SEED[:31], AUDIENCE)


def test_proof_is_frozen_and_shows_no_token() -> None:
    proof = verify_proof(TOKEN, AUDIENCE, now=NOW)
    with pytest.raises(dataclasses.FrozenInstanceError):
        proof.issuer = "x"  # type: ignore[misc]
    assert "digest" not in repr(proof)
    assert not any(part in repr(proof) for part in TOKEN.split("."))


def test_errors_are_coded_and_can_be_pickled() -> None:
    error = refusal("a.b")
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, InvalidProof)
    assert isinstance(copy, JazzAuthError)
    assert (copy.code, copy.message, str(copy)) == (error.code, error.message, str(error))
    assert InvalidProof("ttl", "too long").code == "ttl"


@pytest.mark.parametrize("name", ["iss", "aud", "sub"])
def test_messages_are_one_bounded_line(name: str) -> None:
    error = refusal(signed(claims(**{name: 'x"\\\n\r\0\u2028\x1b[31m' + "y" * 100_000})))
    assert str(error).isprintable()
    assert len(str(error)) < 400


def test_tracebacks_hold_no_canary() -> None:
    """Neither a message nor the exceptions behind it show what was in the token."""
    for payload in (
        b'{"iss":"canary\xff"}',
        b'{"iss":"canary\\ud800"}',
        b'{"iat":"canary"}',
        b'{"iss":canary}',
    ):
        shown = "".join(traceback.format_exception(refusal(signed(payload))))
        assert "canary" not in shown
    key = refusal(signed(claims(jazz_pub_key="canary+")))
    assert "canary" not in "".join(traceback.format_exception(key))


def test_no_django_is_needed() -> None:
    check = (
        "import sys, django_jazzauth.identity;"
        "sys.exit(any(name.partition('.')[0] == 'django' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
