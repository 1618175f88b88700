"""The stored vectors: today's code still gives them, and other means give them too."""

import base64
import hashlib
import hmac
import json

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
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


def framed(*pieces):
    return b"".join(len(piece).to_bytes(4, "big") + piece for piece in pieces)


def mth(leaves):
    """RFC 9162's definition."""
    if len(leaves) < 2:
        return hashlib.sha256(b"\0" + leaves[0]).digest() if leaves else hashlib.sha256().digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


@pytest.mark.parametrize("row", stored("merkle"), ids=lambda row: str(len(row["leaves"])))
def test_merkle_trees_by_hand(row):
    assert mth([bytes.fromhex(leaf) for leaf in row["leaves"]]).hex() == row["root"]


@pytest.mark.parametrize("row", stored("event_leaf"))
def test_leaves_by_hand(row):
    data = framed(
        b"jazzauth/leaf/1",
        row["position"].to_bytes(8, "big"),
        row["txid"].to_bytes(8, "big"),
        bytes.fromhex(row["digest"]),
    )
    assert data.hex() == row["data"]
    assert hashlib.sha256(b"\0" + data).hexdigest() == row["leaf"]


@pytest.mark.parametrize("row", stored("checkpoint"))
def test_checkpoints_by_hand(row):
    text, _, signature = row["note"].rpartition("\n\n")
    text += "\n"
    root = base64.b64encode(bytes.fromhex(row["root"])).decode()
    assert text == f"{row['origin']}\n{row['size']}\n{root}\n"
    dash, name, encoded = signature.rstrip("\n").split(" ")
    raw = base64.b64decode(encoded)
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(row["seed"]))
    public = key.public_key().public_bytes_raw()
    key_id = hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
    assert (dash, name, raw[:4]) == ("—", row["origin"], key_id)
    key.public_key().verify(raw[4:], text.encode())
    printed = f"{name}+{key_id.hex()}+{base64.b64encode(bytes([1]) + public).decode()}"
    assert printed == row["verifier_key"]


@pytest.mark.parametrize("row", stored("checkpoint_batch"))
def test_batches_by_hand(row):
    key, aad, plaintext, sealed = raw(row, "data_key", "aad", "plaintext", "sealed")
    assert aad == framed(
        b"jazzauth/checkpoint/1",
        row["first"].to_bytes(8, "big"),
        row["size"].to_bytes(8, "big"),
        row["note"].encode(),
    )
    assert AESGCM(key).decrypt(sealed[1:13], sealed[13:], aad) == plaintext
    runs, gaps, high, hashes = msgspec.msgpack.decode(plaintext)
    assert sum(last - first + 1 for first, last in runs) == row["size"] - row["first"]
    assert (high, len(hashes), len(gaps)) == (runs[-1][1], row["size"].bit_count(), 1)


@pytest.mark.parametrize("row", stored("tlog_proof"))
def test_proofs_by_hand(row):
    lines, _, note = row["proof"].partition("\n\n")
    magic, extra, index, *hashes = lines.split("\n")
    assert magic == "c2sp.org/tlog-proof@v1"
    header = json.loads(base64.b64decode(extra.removeprefix("extra ")))
    digest = hashlib.sha256(
        framed(
            b"jazzauth/event/1",
            bytes.fromhex(header["previous"]),
            header["stream"].encode(),
            header["version"].to_bytes(8, "big"),
            header["type"].encode(),
            header["schema"].to_bytes(8, "big"),
            bytes.fromhex(header["key_id"]),
            header["recorded_at"].to_bytes(8, "big"),
            bytes.fromhex(header["payload_hash"]),
        )
    ).digest()
    position, txid = (header[name].to_bytes(8, "big") for name in ("position", "txid"))
    leaf = hashlib.sha256(b"\0" + framed(b"jazzauth/leaf/1", position, txid, digest)).digest()
    assert leaf.hex() == row["leaf"]
    assert base64.b64decode(note.split("\n")[2]).hex() == row["root"]
    assert int(index.removeprefix("index ")) < int(note.split("\n")[1])
    assert all(len(base64.b64decode(each)) == 32 for each in hashes)


@pytest.mark.parametrize("row", stored("event"), ids=lambda row: row["type"])
def test_events_by_hand(row):
    """From the epoch's key to the state, with nothing of ours."""
    epoch_key, epoch_id, key_id, wrapped = raw(row, "epoch_key", "epoch_id", "key_id", "wrapped")
    wrapping = hkdf(epoch_key, framed(b"jazzauth/data-key-wrap/1", b""), 32)
    aad = framed(b"jazzauth/data-key/1", key_id, row["subject"].encode(), epoch_id)
    data_key = AESGCM(wrapping).decrypt(wrapped[1:13], wrapped[13:], aad)
    assert data_key.hex() == row["data_key"]
    payload, aad = raw(row, "payload", "aad")
    assert aad == framed(
        b"jazzauth/payload/1",
        row["stream"].encode(),
        row["version"].to_bytes(8, "big"),
        row["type"].encode(),
        row["schema"].to_bytes(8, "big"),
        key_id,
        row["recorded_at"].to_bytes(8, "big"),
    )
    plaintext = AESGCM(data_key).decrypt(payload[1:13], payload[13:], aad)
    assert msgspec.msgpack.decode(plaintext) == [row["state"], row["cause"]]
    if row["head"] is None:
        return
    (head,) = raw(row, "head")
    header, sealed = head[:23], head[23:]
    assert header == b"\x01" + epoch_id + row["version"].to_bytes(4, "big") + b"\0\x01"
    head_key = hkdf(epoch_key, framed(b"jazzauth/head/1", b"user"), 32)
    aad = framed(b"jazzauth/head/1", row["stream"].encode(), header)
    opened = AESGCMSIV(head_key).decrypt(sealed[1:13], sealed[13:], aad)
    assert opened[:32].hex() == row["digest"]
    assert int.from_bytes(opened[32:40], "big") == row["recorded_at"]
    assert msgspec.msgpack.decode(opened[40:]) == row["state"]
