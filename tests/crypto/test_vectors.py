"""The stored vectors: today's code still gives them, and other means give them too."""

import base64
import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV, AESSIV

from django_jazzauth.crypto.envelope import Envelope, HeadCipher
from django_jazzauth.crypto.hpke import SUITES, HpkeKey
from django_jazzauth.crypto.index_cipher import IndexCipher

from .test_derive import hkdf
from .vectors import DETERMINISTIC, grants, stored


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_the_bytes_are_what_they_were(name):
    rows = stored(name)
    assert rows and rows == DETERMINISTIC[name]()


def raw(row, *names):
    return [bytes.fromhex(row[name]) for name in names]


@pytest.mark.parametrize("row", stored("derive_key"))
def test_derived_keys_by_hand(row):
    secret, info, key = raw(row, "secret", "info", "key")
    assert hkdf(secret, info, row["length"]) == key


@pytest.mark.parametrize("row", stored("envelope"))
def test_envelopes_by_hand(row):
    key, nonce, aad, plaintext, sealed = raw(row, "key", "nonce", "aad", "plaintext", "sealed")
    assert sealed == b"\x01" + nonce + AESGCM(key).encrypt(nonce, plaintext, aad)
    assert Envelope(key).open(sealed, aad) == plaintext


@pytest.mark.parametrize("row", stored("head_cipher"))
def test_heads_by_hand(row):
    key, nonce, aad, plaintext, sealed = raw(row, "key", "nonce", "aad", "plaintext", "sealed")
    assert sealed == b"\x01" + nonce + AESGCMSIV(key).encrypt(nonce, plaintext, aad)
    assert HeadCipher(key).open(sealed, aad) == plaintext


@pytest.mark.parametrize("row", stored("index_cipher"))
def test_columns_by_hand(row):
    key, context, value, sealed = raw(row, "key", "context", "value", "sealed")
    generation = row["generation"]
    pieces = (b"jazzauth/index/1", context, generation.to_bytes(8, "big"))
    data = b"".join(len(piece).to_bytes(4, "big") + piece for piece in pieces)
    assert sealed == bytes((1, generation)) + AESSIV(key).encrypt(value, [data])
    assert IndexCipher(key, generation, context).open(sealed) == value


@pytest.mark.parametrize("row", stored("event_digest"))
def test_digests_by_hand(row):
    previous, key_id, payload, digest = raw(row, "previous", "key_id", "payload", "digest")
    pieces = (
        b"jazzauth/event/1",
        previous,
        row["stream"].encode(),
        row["version"].to_bytes(8, "big"),
        row["type"].encode(),
        row["schema"].to_bytes(8, "big"),
        key_id,
        row["recorded_at"].to_bytes(8, "big"),
        hashlib.sha256(payload).digest(),
    )
    data = b"".join(len(piece).to_bytes(4, "big") + piece for piece in pieces)
    assert hmac.compare_digest(hashlib.sha256(data).digest(), digest)


@pytest.mark.parametrize("row", stored("grant"), ids=lambda row: row["suite"])
def test_grants_still_open(row):
    secret, info, plaintext = raw(row, "secret", "info", "plaintext")
    key = HpkeKey(row["suite"], secret)
    assert base64.b64encode(key.public_key).decode() == row["public_key"]
    assert key.open(base64.b64decode(row["sealed"]), info) == plaintext


def test_grants_of_every_suite_are_stored_and_kept():
    rows = stored("grant")
    assert [row["suite"] for row in rows] == list(SUITES)
    assert grants(rows) == rows
    assert [row["suite"] for row in grants([])] == list(SUITES)
