"""A reader made from docs/format.md alone: it imports nothing of ours, so it can contradict us."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import Any

import idna
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

XWING_LABEL = bytes.fromhex("5c2e2f2f5e5c")


class Refused(Exception):
    """The bytes are not what they should be."""


def frame(*parts: bytes | str | int) -> bytes:
    joined = b""
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        raw = raw.to_bytes(8, "big") if isinstance(raw, int) else raw
        joined += len(raw).to_bytes(4, "big") + raw
    return joined


def derive(secret: bytes, purpose: str, context: bytes = b"", length: int = 32) -> bytes:
    return HKDF(SHA256(), length, None, frame(f"jazzauth/{purpose}/1", context)).derive(secret)


def open_with(cipher: Any, blob: bytes, aad: bytes) -> bytes:
    if blob[:1] != b"\x01":
        raise Refused("format")
    try:
        plain: bytes = cipher.decrypt(blob[1:13], blob[13:], aad)
    except Exception as error:
        raise Refused("seal") from error
    return plain


def open_envelope(key: bytes, blob: bytes, aad: bytes) -> bytes:
    return open_with(AESGCM(key), blob, aad)


# -- grants --------------------------------------------------------------------------------------


def hybrid_keys(secret: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    suite = "hpke/mlkem768-x25519"
    seed = derive(secret, f"{suite}/mlkem768", length=64)
    return (
        MLKEM768PrivateKey.from_seed_bytes(seed),
        X25519PrivateKey.from_private_bytes(derive(secret, f"{suite}/x25519")),
    )


def alone_key(secret: bytes) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(derive(secret, "hpke/x25519/x25519"))


def public(key: Any) -> bytes:
    raw: bytes = key.public_key().public_bytes_raw()
    return raw


def public_keys(secret: bytes) -> dict[str, bytes]:
    hybrid = b"".join(public(key) for key in hybrid_keys(secret))
    return {"mlkem768-x25519": hybrid, "x25519": public(alone_key(secret))}


def _labelled(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    data = b"HPKE-v1" + suite + label + ikm
    return hmac.new(salt or bytes(32), data, "sha256").digest()


def _expanded(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    data = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return HKDFExpand(SHA256(), length, data).derive(prk)


def _shared(secret: bytes, number: int, enc: bytes) -> bytes:
    if number == 2:
        own, suite = alone_key(secret), b"KEM\x00\x20"
        raw = own.exchange(X25519PublicKey.from_public_bytes(enc))
        prk = _labelled(suite, b"", b"eae_prk", raw)
        return _expanded(suite, prk, b"shared_secret", enc + public(own), 32)
    mlkem, own = hybrid_keys(secret)
    one = mlkem.decapsulate(enc[:1088])
    other = own.exchange(X25519PublicKey.from_public_bytes(enc[1088:]))
    return hashlib.sha3_256(one + other + enc[1088:] + public(own) + XWING_LABEL).digest()


def open_grant(secret: bytes, epoch_id: bytes, worker_id: str, blob: bytes) -> bytes:
    name, kem, length = {1: ("mlkem768-x25519", 0x647A, 1120), 2: ("x25519", 0x20, 32)}[blob[1]]
    info = frame("jazzauth/grant/1", epoch_id, worker_id, name)
    suite = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (kem, 1, 2))
    context = b"\0" + b"".join(
        _labelled(suite, b"", label, data)
        for label, data in ((b"psk_id_hash", b""), (b"info_hash", info))
    )
    shared = _shared(secret, blob[1], blob[2 : 2 + length])
    prk = _labelled(suite, shared, b"secret", b"")
    key = _expanded(suite, prk, b"key", context, 32)
    nonce = _expanded(suite, prk, b"base_nonce", context, 12)
    try:
        return AESGCM(key).decrypt(nonce, blob[2 + length :], b"")
    except Exception as error:
        raise Refused("grant") from error


# -- under an epoch ------------------------------------------------------------------------------


def open_data_key(
    epoch_key: bytes, epoch_id: bytes, id_: bytes, subject: str, blob: bytes
) -> bytes:
    aad = frame("jazzauth/data-key/1", id_, subject, epoch_id)
    return open_envelope(derive(epoch_key, "data-key-wrap"), blob, aad)


def open_index_root(epoch_key: bytes, epoch_id: bytes, generation: int, blob: bytes) -> bytes:
    aad = frame("jazzauth/index-root/1", generation, epoch_id)
    return open_envelope(derive(epoch_key, "index-root-wrap"), blob, aad)


def open_previous(epoch_key: bytes, epoch_id: bytes, previous_id: bytes, blob: bytes) -> bytes:
    aad = frame("jazzauth/previous-epoch/1", epoch_id, previous_id)
    return open_envelope(derive(epoch_key, "previous-epoch-wrap"), blob, aad)


def open_endorsement(
    epoch_key: bytes, epoch_id: bytes, worker_id: str, suite: str, blob: bytes
) -> bytes:
    aad = frame("jazzauth/endorsement/1", epoch_id, worker_id, suite)
    return open_envelope(derive(epoch_key, "endorsement"), blob, aad)


def read_anchor(secret: bytes, worker_id: str, blob: bytes) -> tuple[bytes, bytes, int]:
    """Id, public key and number of the epoch that the worker last opened."""
    if blob[:1] != b"\x01" or len(blob) != 85:
        raise Refused("format")
    id_, key, number = blob[1:17], blob[17:49], int.from_bytes(blob[49:53], "big")
    said = frame("jazzauth/anchor/1", worker_id, id_, key, number)
    if hmac.new(derive(secret, "anchor"), said, "sha256").digest() != blob[53:]:
        raise Refused("anchor")
    return id_, key, number


def fingerprint(epoch_id: bytes, public_key: bytes) -> str:
    named = frame("jazzauth/epoch-fingerprint/1", epoch_id, public_key)
    return "e_" + hashlib.sha256(named).hexdigest()[:32]


def index_seal(epoch_key: bytes, epoch_id: bytes, generations: list[int]) -> bytes:
    said = frame("jazzauth/index-seal/1", epoch_id, bytes(generations))
    return hmac.new(derive(epoch_key, "index-seal"), said, "sha256").digest()


def epoch_public_key(epoch_key: bytes) -> bytes:
    return public(Ed25519PrivateKey.from_private_bytes(derive(epoch_key, "succession")))


# -- columns -------------------------------------------------------------------------------------


def open_siv(key: bytes, generation: int, aad: bytes, blob: bytes) -> bytes:
    if blob[:2] != bytes((1, generation)):
        raise Refused("generation")
    try:
        return AESSIV(key).decrypt(blob[2:], [aad])
    except Exception as error:
        raise Refused("column") from error


def seal_column(root: bytes, entity: str, name: str, generation: int, primitive: Any) -> bytes:
    text = isinstance(primitive, str)
    plain = b"s" + primitive.encode() if text else b"m" + msgspec.msgpack.encode(primitive)
    return seal_index(root, entity, name, generation, plain)


def seal_index(root: bytes, entity: str, name: str, generation: int, plain: bytes) -> bytes:
    context = frame(entity, name)
    aad = frame("jazzauth/index/1", context, generation)
    siv = AESSIV(derive(root, "index", context, 64))
    return bytes((1, generation)) + siv.encrypt(plain, [aad])


def open_column(root: bytes, entity: str, name: str, generation: int, blob: bytes) -> Any:
    context = frame(entity, name)
    aad = frame("jazzauth/index/1", context, generation)
    plain = open_siv(derive(root, "index", context, 64), generation, aad, blob)
    return plain[1:].decode() if plain[:1] == b"s" else msgspec.msgpack.decode(plain[1:])


def fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded)


def fold_email(text: str) -> str:
    folded = fold(text.strip())
    local, at, domain = folded.rpartition("@")
    if not at or domain.isascii():
        return folded
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return folded


def tokens(root: bytes, entity: str, field: str, generation: int, text: str) -> list[int]:
    anchored = "\x02" + fold(text) + "\x03"
    terms = {anchored[at : at + 3] for at in range(len(anchored) - 2)}
    name = f"{field}:trigrams"
    sealed = (seal_index(root, entity, name, generation, term.encode()) for term in terms)
    return sorted({int.from_bytes(blob[2:4], "big") for blob in sealed})


def basis(schema: int, fields: list[str], generations: list[int]) -> int:
    text = ",".join(map(str, (schema, *fields, *generations)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


# -- events --------------------------------------------------------------------------------------


def place(row: dict[str, Any]) -> tuple[Any, ...]:
    names = ("stream", "version", "type", "schema", "key_id", "recorded_at")
    return tuple(row[name] for name in names)


def open_payload(data_key: bytes, row: dict[str, Any]) -> tuple[Any, Any]:
    aad = frame("jazzauth/payload/1", *place(row))
    state, cause = msgspec.msgpack.decode(open_envelope(data_key, row["payload"], aad))
    return state, cause


def digest(previous: bytes, row: dict[str, Any]) -> bytes:
    payload = row["payload"]
    hashed = row["payload_hash"] if payload is None else hashlib.sha256(payload).digest()
    return hashlib.sha256(frame("jazzauth/event/1", previous, *place(row), hashed)).digest()


def open_head(epoch_key: bytes, stream: str, blob: bytes) -> tuple[bytes, int, int, int, Any]:
    """Digest, version, schema, time and state."""
    header, sealed = blob[:23], blob[23:]
    if header[:1] != b"\x01":
        raise Refused("format")
    entity = stream.partition("/")[0].encode()
    cipher = AESGCMSIV(derive(epoch_key, "head", entity))
    plain = open_with(cipher, sealed, frame("jazzauth/head/1", stream, header))
    version, schema = int.from_bytes(header[17:21], "big"), int.from_bytes(header[21:], "big")
    recorded_at = int.from_bytes(plain[32:40], "big")
    return plain[:32], version, schema, recorded_at, msgspec.msgpack.decode(plain[40:])
