"""Vectors of stored rows: today's code gives them, and a reader without our code opens them."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import re
import uuid
from functools import partial

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV

from django_jazzauth.crypto.envelope import Envelope, EnvelopeError, HeadCipher
from django_jazzauth.crypto.index_cipher import IndexCipher
from django_jazzauth.keys.anchor import Anchor, make_anchor, read_anchor
from django_jazzauth.keys.card import Card
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.tombstones import open_tombstone
from django_jazzauth.keys.wrapping import EpochKey
from django_jazzauth.store.relay.wire import body_of, read_body

from . import reader
from .more_vectors import DETERMINISTIC
from .vectors import DIRECTORY, stored


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_the_bytes_are_what_they_were(name):
    rows = stored(name)
    assert rows and rows == DETERMINISTIC[name]()


def raw(row, *names):
    return [bytes.fromhex(row[name]) for name in names]


@pytest.mark.parametrize("row", stored("grant"), ids=lambda row: row["suite"])
def test_grants_by_hand(row):
    secret, epoch_id, plaintext, info = raw(row, "secret", "epoch_id", "plaintext", "info")
    blob = base64.b64decode(row["sealed"])
    assert row["worker_id"] == WorkerSecret(secret).worker_id
    assert info == reader.frame("jazzauth/grant/1", epoch_id, row["worker_id"], row["suite"])
    assert reader.open_grant(secret, epoch_id, row["worker_id"], blob) == plaintext
    for wrong in (blob[:-1], blob[:-1] + bytes([blob[-1] ^ 1])):
        with pytest.raises(reader.Refused):
            reader.open_grant(secret, epoch_id, row["worker_id"], wrong)
    with pytest.raises(reader.Refused):
        reader.open_grant(secret, bytes(16), row["worker_id"], blob)


@pytest.mark.parametrize("row", stored("wrapped_key"), ids=lambda row: row["kind"])
def test_wrapped_keys(row):
    key, epoch_id, plaintext, sealed = raw(row, "epoch_key", "epoch_id", "plaintext", "sealed")
    epoch = EpochKey(epoch_id, 1, key)
    match row["kind"]:
        case "data key":
            (id_,) = raw(row, "id")
            opened = epoch.unwrap_data_key(id_, row["subject"], sealed)
            by_hand = reader.open_data_key(key, epoch_id, id_, row["subject"], sealed)
        case "index root":
            opened = epoch.unwrap_index_root(row["generation"], sealed)
            by_hand = reader.open_index_root(key, epoch_id, row["generation"], sealed)
        case "previous epoch":
            (before,) = raw(row, "previous_id")
            opened = epoch.unwrap_previous(before, sealed)
            by_hand = reader.open_previous(key, epoch_id, before, sealed)
        case _:
            named = row["worker_id"], row["suite"]
            opened = epoch.endorsed(*named, sealed)
            by_hand = reader.open_endorsement(key, epoch_id, *named, sealed)
    assert opened == by_hand == plaintext


@pytest.mark.parametrize("row", stored("card"), ids=lambda row: row["worker_id"])
def test_cards(row):
    keys = reader.public_keys(bytes.fromhex(row["secret"]))
    body = row["card"].removeprefix("jazzauth-card-1-")
    data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    assert data == keys["mlkem768-x25519"] + keys["x25519"]
    assert Card.from_text(row["card"]).public_keys == keys
    named = reader.frame("jazzauth/worker-id/1", *(part for pair in keys.items() for part in pair))
    digits = hashlib.sha256(named).hexdigest()
    assert row["worker_id"] == Card.from_text(row["card"]).worker_id
    assert digits.startswith(row["worker_id"].removeprefix("w_"))


@pytest.mark.parametrize("row", stored("checkpoint_row"), ids=lambda row: row["kind"])
def test_rows_of_checkpoints(row):
    key, plaintext, aad, sealed = raw(row, "data_key", "plaintext", "aad", "sealed")
    if row["kind"] == "key":
        expected = reader.frame("jazzauth/checkpoint-key/1", row["origin"])
    else:
        expected = reader.frame("jazzauth/generation/1", row["number"], row["abandoned"])
    assert aad == expected
    assert reader.open_envelope(key, sealed, aad) == Envelope(key).open(sealed, aad) == plaintext


def test_a_tombstone():
    (row,) = stored("tombstone")
    key, id_, aad, sealed = raw(row, "data_key", "id", "aad", "sealed")
    assert aad == reader.frame("jazzauth/destroyed/1", id_)
    assert open_tombstone(Envelope(key), id_, sealed) == row["position"]
    assert reader.open_envelope(key, sealed, aad) == row["position"].to_bytes(8, "big")
    assert open_tombstone(Envelope(key), bytes(16), sealed) is None


def test_a_succession():
    (row,) = stored("succession")
    old, new, signed, whole = raw(row, "epoch_key", "successor_key", "signed", "succession")
    keys = [
        Ed25519PrivateKey.from_private_bytes(reader.derive(key, "succession")) for key in (old, new)
    ]
    ids = raw(row, "epoch_id", "successor_id")
    named = ids[1] + reader.public(keys[1])
    parts = ids[0], ids[1], reader.public(keys[1])
    assert signed == reader.frame("jazzauth/succession/1", *parts)
    assert whole == named + keys[0].sign(signed)


@pytest.mark.parametrize("row", stored("anchor"), ids=lambda row: str(row["number"]))
def test_anchors(row):
    names = "secret", "epoch_id", "epoch_key", "public_key", "authenticated", "anchor"
    secret, id_, key, public, said, blob = raw(row, *names)
    worker = WorkerSecret(secret)
    assert public == reader.epoch_public_key(key)
    assert said == reader.frame("jazzauth/anchor/1", row["worker_id"], id_, public, row["number"])
    found = id_, public, row["number"]
    assert reader.read_anchor(secret, row["worker_id"], blob) == found
    assert read_anchor(worker, blob) == Anchor(*found)
    assert make_anchor(worker, EpochKey(id_, row["number"], key)) == blob
    assert reader.fingerprint(id_, public) == Anchor(*found).fingerprint == row["fingerprint"]
    for position in range(len(blob)):
        wrong = blob[:position] + bytes([blob[position] ^ 1]) + blob[position + 1 :]
        assert read_anchor(worker, wrong) is None
        with pytest.raises(reader.Refused):
            reader.read_anchor(secret, row["worker_id"], wrong)
    for wrong in (b"", blob[:53], blob[:-1], blob + b"x"):
        assert read_anchor(worker, wrong) is None
    assert read_anchor(WorkerSecret(bytes(32)), blob) is None


@pytest.mark.parametrize("row", stored("index_seal"), ids=lambda row: str(row["generations"]))
def test_index_seals(row):
    id_, key, seal = raw(row, "epoch_id", "epoch_key", "seal")
    numbers = row["generations"]
    assert EpochKey(id_, 1, key).seal_generations(reversed(numbers)) == seal
    assert reader.index_seal(key, id_, numbers) == seal
    assert reader.index_seal(key, id_, [*numbers, 7]) != seal


BY_HAND = {
    # By the tables of MessagePack's specification.
    "True": b"\xc3",
    "-300": b"\xd1" + (-300).to_bytes(2, "big", signed=True),
    "70.5": b"\xa5" + b"70.50",
    "1815-12-10": b"\xaa" + b"1815-12-10",
    "07:05:00.250000": b"\xaf" + b"07:05:00.250000",
    "-1 day, 0:00:00.000001": b"\xd3" + (1 - 86_400_000_000).to_bytes(8, "big", signed=True),
    "00000000-0000-4000-8000-000000000001": b"\xc4\x10"
    + uuid.UUID("00000000-0000-4000-8000-000000000001").bytes,
    "None": b"\xc0",
}
TIMES = {
    "2024-02-29 12:30:15+00:00": b"\xd6\xff" + (1_709_209_815).to_bytes(4, "big"),
    "2024-02-29 12:30:15.123456+00:00": b"\xd7\xff"
    + (123_456_000 << 34 | 1_709_209_815).to_bytes(8, "big"),
    "1965-01-01 00:00:00+00:00": b"\xc7\x0c\xff"
    + bytes(4)
    + (-157_766_400).to_bytes(8, "big", signed=True),
}


def test_values_by_hand():
    found = {row["value"]: bytes.fromhex(row["msgpack"]) for row in stored("value")}
    for value, expected in {**BY_HAND, **TIMES}.items():
        assert found[value] == expected
    for text in TIMES:
        assert msgspec.msgpack.decode(found[text]) == datetime.datetime.fromisoformat(text)
    (document,) = (row for row in stored("value") if row["kind"] == "JSON")
    text = msgspec.msgpack.decode(bytes.fromhex(document["msgpack"]))
    assert text == '{"ü": [1, 2.5, null, true]}'
    assert json.loads(text)["ü"][3] is True


@pytest.mark.parametrize("row", stored("column"), ids=lambda row: f"{row['name']} {row['value']}")
def test_columns_by_hand(row):
    root, plaintext, sealed = raw(row, "root", "plaintext", "sealed")
    place = root, row["entity"], row["name"], row["generation"]
    assert len(sealed) == len(plaintext) + 18
    opened = reader.open_column(*place, sealed)
    assert reader.seal_column(*place, opened) == sealed
    if plaintext[:1] == b"s":
        assert len(sealed) == len(opened.encode()) + 19
    expected = row["value"]
    if row["name"] == "email:folded":
        expected = reader.fold_email(expected)
    elif row["name"] == "name:folded":
        expected = reader.fold(expected)
    elif row["name"] == "score":
        expected = int(expected)
    elif row["name"] == "joined":
        expected = datetime.datetime.fromisoformat(expected)
    assert opened == expected


@pytest.mark.parametrize(
    "row", stored("boundary"), ids=lambda row: f"{row['boundary'][:8]} {row['value']}"
)
def test_boundaries_by_hand(row):
    roots = {int(number): bytes.fromhex(root) for number, root in row["roots"].items()}
    name = row["entity"], row["field"]
    old = reader.seal_column(roots[3], *name, 3, row["value"])
    number = row["target"] if old <= bytes.fromhex(row["boundary"]) else row["generation"]
    assert number == row["under"]
    assert reader.seal_column(roots[number], *name, number, row["value"]).hex() == row["column"]


@pytest.mark.parametrize("row", stored("trigram"), ids=lambda row: row["text"])
def test_trigrams_by_hand(row):
    (root,) = raw(row, "root")
    found = reader.tokens(root, row["entity"], row["field"], row["generation"], row["text"])
    assert found == row["tokens"] == [number + 0x8000 for number in row["smallints"]]
    assert b"".join(token.to_bytes(2, "big") for token in found).hex() == row["bytes"]


def test_a_compacted_stream_by_hand():
    (row,) = stored("compacted")
    binary = {"key_id", "payload", "payload_hash", "digest"}
    events = [
        {k: bytes.fromhex(v) if k in binary and v is not None else v for k, v in each.items()}
        for each in row["events"]
    ]
    previous = bytes(32)
    for event in events:
        previous = reader.digest(previous, event)
        assert previous == event["digest"]
    assert [event["payload"] is None for event in events] == [True, True, True, False]
    last = events[-1]
    assert (last["type"], last["schema"]) == ("compacted", 0)
    assert reader.open_payload(bytes.fromhex(row["data_key"]), last) == (None, {})


@pytest.mark.parametrize("row", stored("message"), ids=lambda row: row["json"][0])
def test_messages_by_hand(row):
    def value(each):
        if isinstance(each, list):
            return [value(one) for one in each]
        return bytes.fromhex(each["hex"]) if isinstance(each, dict) else each

    body = bytes.fromhex(row["body"])
    assert body == b"\x01" + msgspec.msgpack.encode(value(row["json"]))
    assert body_of(read_body(body)) == body


@pytest.mark.parametrize("row", stored("refused"), ids=lambda row: f"{row['cipher']}: {row['why']}")
def test_what_must_not_open(row):
    key, aad, sealed = raw(row, "key", "aad", "sealed")
    if row["cipher"] == "index":
        cipher = IndexCipher(key, row["generation"], bytes.fromhex(row["context"]))
        ours = partial(cipher.open, sealed)
        theirs = partial(reader.open_siv, key, row["generation"], aad, sealed)
    else:
        kind, other = {"envelope": (Envelope, AESGCM), "head": (HeadCipher, AESGCMSIV)}[
            row["cipher"]
        ]
        ours = partial(kind(key).open, sealed, aad)
        theirs = partial(reader.open_with, other(key), sealed, aad)
    if row.get("opens"):
        assert ours() == theirs()
        return
    with pytest.raises(EnvelopeError):
        ours()
    with pytest.raises(reader.Refused):
        theirs()


def test_every_vector_is_described():
    """Each file is named in the specification, and each that it names is there."""
    text = (DIRECTORY.parents[2] / "docs" / "format.md").read_text()
    named = set(re.findall(r"(\w+\.json)`", text))
    assert named == {path.name for path in DIRECTORY.glob("*.json")}
