"""Signatures that OpenSSL accepts and Jazz refuses, forged for the purpose."""

from __future__ import annotations

import hashlib
import json
from itertools import count

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from django_jazzauth.identity import InvalidProof, user_id_of, verify_proof
from django_jazzauth.identity.ed25519_strict import (
    decodes_to_point,
    is_small_order,
    verify_strict,
)
from django_jazzauth.identity.errors import SignatureRefused
from django_jazzauth.identity.seed import signing_key
from tests.identity import edwards
from tests.identity.tokens import AUDIENCE, HEADER, NOW, SEED, b64, claims

SMALL_ORDER = edwards.small_order_encodings()
CANONICAL = sorted(edwards.encode(point) for point in edwards.torsion())
each_small_order = pytest.mark.parametrize("encoded", SMALL_ORDER, ids=bytes.hex)


def openssl_accepts(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def input_for(public_key: bytes, attempt: int = 0) -> str:
    """Return what a proof of ``public_key`` would sign; ``attempt`` varies it."""
    members = claims(
        jazz_pub_key=b64(public_key), sub=str(user_id_of(public_key)), exp=NOW + 60 + attempt
    )
    return f"{b64(HEADER)}.{b64(json.dumps(members).encode())}"


def refusal(signing_input: str, signature: bytes) -> InvalidProof:
    with pytest.raises(InvalidProof) as caught:
        verify_proof(f"{signing_input}.{b64(signature)}", AUDIENCE, now=NOW, max_ttl=10**9)
    return caught.value


def scalar_of(seed: bytes) -> int:
    digest = hashlib.sha512(signing_key(seed).private_bytes_raw()).digest()
    return int.from_bytes(digest[:32], "little") & (2**254 - 8) | 2**254


def test_there_are_fourteen() -> None:
    assert len(SMALL_ORDER) == 14
    assert len(CANONICAL) == 8
    assert set(CANONICAL) < set(SMALL_ORDER)


@each_small_order
def test_small_order_is_recognised(encoded: bytes) -> None:
    assert is_small_order(encoded)
    assert decodes_to_point(encoded)


@each_small_order
def test_small_order_key(encoded: bytes) -> None:
    signing_input = input_for(encoded)
    forged = edwards.forge_for_small_order_key(encoded, signing_input.encode())
    assert openssl_accepts(encoded, forged, signing_input.encode())
    error = refusal(signing_input, forged)
    assert error.code == "signature"
    assert str(error).startswith("signature verification failed: ")


@each_small_order
def test_small_order_r(encoded: bytes) -> None:
    """The holder of a key A = aB + T can sign with any small-order R, once k·T fits."""
    a = scalar_of(SEED)
    torsion_point = edwards.torsion()[1]
    public_key = edwards.encode(edwards.add(edwards.multiply(a, edwards.BASE), torsion_point))
    wanted = edwards.decode(encoded)
    for attempt in count():
        signing_input = input_for(public_key, attempt)
        k = edwards.challenge(encoded, public_key, signing_input.encode())
        if edwards.negate(edwards.multiply(k % 8, torsion_point)) == wanted:
            break
    forged = edwards.signature(encoded, k * a)
    # OpenSSL compares R as bytes, so that it takes the eight canonical encodings only.
    assert openssl_accepts(public_key, forged, signing_input.encode()) == (encoded in CANONICAL)
    assert refusal(signing_input, forged).code == "signature"


def test_neutral_r_of_an_ordinary_key() -> None:
    public_key = signing_key(SEED).public_key().public_bytes_raw()
    signing_input = input_for(public_key)
    r = edwards.encode(edwards.IDENTITY)
    k = edwards.challenge(r, public_key, signing_input.encode())
    forged = edwards.signature(r, k * scalar_of(SEED))
    assert openssl_accepts(public_key, forged, signing_input.encode())
    assert refusal(signing_input, forged).code == "signature"


def test_key_with_a_torsion_component_is_accepted_if_the_equation_holds() -> None:
    a = scalar_of(SEED)
    torsion_point = edwards.torsion()[1]
    public_key = edwards.encode(edwards.add(edwards.multiply(a, edwards.BASE), torsion_point))
    signing_input = input_for(public_key)
    outcomes = set()
    for nonce in range(1, 60):
        r = edwards.encode(edwards.multiply(nonce, edwards.BASE))
        k = edwards.challenge(r, public_key, signing_input.encode())
        token = f"{signing_input}.{b64(edwards.signature(r, nonce + k * a))}"
        if k % 8:
            with pytest.raises(InvalidProof):
                verify_proof(token, AUDIENCE, now=NOW)
        else:
            assert verify_proof(token, AUDIENCE, now=NOW).public_key == public_key
        outcomes.add(k % 8 == 0)
    assert outcomes == {True, False}


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", range(2, 19))
def test_other_non_canonical_keys(y: int, sign: int) -> None:
    """Where p + y decodes, the equation decides (nobody can satisfy it); else it is no key."""
    encoded = (y + edwards.P | sign << 255).to_bytes(32, "little")
    on_curve = edwards.x_of(y) is not None
    assert decodes_to_point(encoded) == on_curve
    assert not is_small_order(encoded)
    signing_input = input_for(encoded)
    honest = signing_key(SEED).sign(signing_input.encode())
    error = refusal(signing_input, honest)
    assert error.code == ("signature" if on_curve else "pub-key")


def test_no_curve_point() -> None:
    error = refusal(input_for((2).to_bytes(32, "little")), b"\0" * 64)
    assert (error.code, str(error)[:17]) == ("pub-key", "invalid pub key: ")


@pytest.mark.parametrize("multiple", range(1, 16))
def test_s_at_or_above_the_group_order(multiple: int) -> None:
    public_key = signing_key(SEED).public_key().public_bytes_raw()
    signing_input = input_for(public_key)
    honest = signing_key(SEED).sign(signing_input.encode())
    s = int.from_bytes(honest[32:], "little") + multiple * edwards.L
    if s >= 2**256:
        pytest.skip("does not fit 32 bytes")
    error = refusal(signing_input, honest[:32] + s.to_bytes(32, "little"))
    assert error.code == "signature"
    assert "Cannot use scalar" in str(error)


def test_s_equal_to_the_group_order() -> None:
    """L stands for zero in a second spelling; the range is judged before anything else."""
    public_key = signing_key(SEED).public_key().public_bytes_raw()
    at_order = edwards.encode(edwards.BASE) + edwards.L.to_bytes(32, "little")
    with pytest.raises(SignatureRefused, match="Cannot use scalar"):
        verify_strict(public_key, at_order, b"m")


@pytest.mark.parametrize("y", range(edwards.P, 2**255))
def test_non_canonical_r(y: int) -> None:
    key = signing_key(SEED)
    with pytest.raises(SignatureRefused) as caught:
        verify_strict(
            key.public_key().public_bytes_raw(), y.to_bytes(32, "little") + b"\1" + bytes(31), b"m"
        )
    assert caught.value.code == "SIGNATURE_REFUSED"


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=200)
def test_point_checks_agree_with_the_textbook(encoded: bytes) -> None:
    point = edwards.decode(encoded)
    assert decodes_to_point(encoded) == (point is not None)
    if point is not None:
        assert is_small_order(encoded) == (edwards.multiply(8, point) == edwards.IDENTITY)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100))
@settings(max_examples=50)
def test_honest_signatures_pass(seed: bytes, message: bytes) -> None:
    key = signing_key(seed)
    public_key = key.public_key().public_bytes_raw()
    verify_strict(public_key, key.sign(message), message)
    with pytest.raises(SignatureRefused):
        verify_strict(public_key, key.sign(message), message + b"x")
