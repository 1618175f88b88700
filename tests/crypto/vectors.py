"""The test vectors of docs/format.md, computed. ``python -m tests.crypto.vectors`` writes them.

Everything but the grants is deterministic. Grants are random by nature: those in the file are kept,
and have to open for ever.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import django
import msgspec

from django_jazzauth.crypto.derive import derive_key
from django_jazzauth.crypto.digest import event_digest, event_place, leaf_data, payload_hash
from django_jazzauth.crypto.envelope import Envelope, HeadCipher, seal_with_nonce
from django_jazzauth.crypto.framing import frame
from django_jazzauth.crypto.hpke import SUITES, HpkeKey, seal_to
from django_jazzauth.crypto.index_cipher import IndexCipher
from django_jazzauth.crypto.merkle import (
    CompactRange,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    range_roots,
    tree_root,
)
from django_jazzauth.crypto.notes import Checkpoint, NoteSigner
from django_jazzauth.crypto.tlog_proof import EventHeader, InclusionProof
from django_jazzauth.keys.secret import WorkerSecret

DIRECTORY = Path(__file__).parent.parent / "data" / "format"

KEY = bytes(range(32))
KEY_64 = bytes(range(64))
NONCE = bytes(range(100, 112))
EPOCH_ID = bytes(range(16))
KEY_ID = bytes(range(16, 32))


def frames() -> list[dict[str, Any]]:
    rows: list[list[dict[str, Any]]] = [
        [],
        [{"text": ""}],
        [{"text": "jazzauth/event/1"}],
        [{"text": "é✓"}, {"hex": "00ff"}, {"number": 0}],
        [{"number": 2**53 - 1}, {"hex": ""}, {"text": "ab"}, {"text": "c"}],
        [{"number": 1}, {"hex": ""}, {"text": "a"}, {"text": "bc"}],
    ]
    return [{"parts": row, "frame": frame(*map(part, row)).hex()} for row in rows]


def part(row: dict[str, Any]) -> bytes | str | int:
    if "hex" in row:
        return bytes.fromhex(row["hex"])
    value: str | int = row["text"] if "text" in row else row["number"]
    return value


def derived_keys() -> list[dict[str, Any]]:
    rows = [
        ("head", b"user", 32),
        ("head", b"session", 32),
        ("data-key-wrap", b"", 32),
        ("index-root-wrap", b"", 32),
        ("previous-epoch-wrap", b"", 32),
        ("endorsement", b"", 32),
        ("succession", b"", 32),
        ("index-seal", b"", 32),
        ("anchor", b"", 32),
        ("index", frame("user", "email"), 64),
        ("index", frame("user", "email:folded"), 64),
        ("hpke/mlkem768-x25519/mlkem768", b"", 64),
        ("hpke/mlkem768-x25519/x25519", b"", 32),
        ("hpke/x25519/x25519", b"", 32),
    ]
    return [
        {
            "secret": KEY.hex(),
            "purpose": purpose,
            "context": context.hex(),
            "length": length,
            "info": frame(f"jazzauth/{purpose}/1", context).hex(),
            "key": derive_key(KEY, purpose, context, length).hex(),
        }
        for purpose, context, length in rows
    ]


def envelopes() -> list[dict[str, Any]]:
    rows = [(b"", b""), (b"the state", frame("jazzauth/data-key/1", KEY_ID, "user/1", EPOCH_ID))]
    return [
        {
            "key": KEY.hex(),
            "nonce": NONCE.hex(),
            "aad": aad.hex(),
            "plaintext": plaintext.hex(),
            "sealed": seal_with_nonce(Envelope(KEY), plaintext, aad, NONCE).hex(),
        }
        for plaintext, aad in rows
    ]


def heads() -> list[dict[str, Any]]:
    return [
        {
            "key": KEY.hex(),
            "nonce": NONCE.hex(),
            "aad": aad.hex(),
            "plaintext": plaintext.hex(),
            "sealed": HeadCipher(KEY).seal(plaintext, aad, NONCE).hex(),
        }
        for plaintext, aad in [(b"", b""), (b"the state", frame("jazzauth/head/1", "user/1"))]
    ]


def columns() -> list[dict[str, Any]]:
    rows = [(1, "email", "ada@example.org"), (2, "email", "ada@example.org"), (1, "name", "")]
    return [
        {
            "key": KEY_64.hex(),
            "generation": generation,
            "entity": "user",
            "field": field,
            "context": frame("user", field).hex(),
            "value": value.encode().hex(),
            "sealed": IndexCipher(KEY_64, generation, frame("user", field))
            .seal(value.encode())
            .hex(),
        }
        for generation, field, value in rows
    ]


def digests() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    previous = bytes(32)
    for version, kind in enumerate(("created", "updated", "deleted"), start=1):
        payload = b"sealed " + kind.encode()
        digest = event_digest(
            previous=previous,
            stream="user/00000000-0000-4000-8000-000000000001",
            version=version,
            type=kind,
            schema=1,
            key_id=KEY_ID,
            recorded_at=1_700_000_000_000_000 + version,
            payload_hash=payload_hash(payload),
        )
        rows.append(
            {
                "previous": previous.hex(),
                "stream": "user/00000000-0000-4000-8000-000000000001",
                "version": version,
                "type": kind,
                "schema": 1,
                "key_id": KEY_ID.hex(),
                "recorded_at": 1_700_000_000_000_000 + version,
                "payload": payload.hex(),
                "payload_hash": payload_hash(payload).hex(),
                "digest": digest.hex(),
            }
        )
        previous = digest
    return rows


def merkle_trees() -> list[dict[str, Any]]:
    leaves = [leaf_hash(bytes([n]) * n) for n in range(11)]
    rows: list[dict[str, Any]] = []
    for size in range(len(leaves) + 1):
        row = {
            "leaves": [(bytes([n]) * n).hex() for n in range(size)],
            "root": tree_root(leaves[:size]).hex(),
            "inclusion": [
                {"index": index, "proof": _proof(leaves[:size], inclusion_ranges(index, size))}
                for index in sorted({0, size // 2, size - 1} if size else ())
            ],
            "consistency": [
                {"old": old, "proof": _proof(leaves[:size], consistency_ranges(old, size))}
                for old in range(1, size)
            ],
        }
        rows.append(row)
    return rows


def _proof(leaves: list[bytes], ranges: Any) -> list[str]:
    return [each.hex() for each in range_roots(leaves, ranges)]


def event_leaves() -> list[dict[str, Any]]:
    rows = []
    for position, txid, digest in ((1, 0, bytes(32)), (2**40, 7_654_321, KEY)):
        data = leaf_data(position, txid, digest)
        rows.append(
            {
                "position": position,
                "txid": txid,
                "digest": digest.hex(),
                "data": data.hex(),
                "leaf": leaf_hash(data).hex(),
            }
        )
    return rows


def checkpoints() -> list[dict[str, Any]]:
    leaves = [bytes.fromhex(row["leaf"]) for row in event_leaves()]
    rows = []
    for origin in ("example.org/accounts", "example.org/accounts/2"):
        for size in range(3):
            signer = NoteSigner(origin, KEY)
            body = Checkpoint(origin, size, tree_root(leaves[:size]))
            rows.append(
                {
                    "seed": KEY.hex(),
                    "verifier_key": signer.verifier.to_text(),
                    "origin": origin,
                    "size": size,
                    "root": body.root.hex(),
                    "note": signer.sign(body.to_text()),
                }
            )
    return rows


def proofs() -> list[dict[str, Any]]:
    events = digests()
    headers = [
        EventHeader(
            position=10 + n,
            txid=700 + n,
            **{
                name: row[name]
                for name in (
                    "previous",
                    "stream",
                    "version",
                    "type",
                    "schema",
                    "key_id",
                    "recorded_at",
                    "payload_hash",
                )
            },
        )
        for n, row in enumerate(events)
    ]
    leaves = [header.leaf() for header in headers]
    origin = "example.org/accounts"
    note = NoteSigner(origin, KEY).sign(
        Checkpoint(origin, len(leaves), tree_root(leaves)).to_text()
    )
    return [
        {
            "leaf": leaves[n].hex(),
            "root": tree_root(leaves).hex(),
            "proof": InclusionProof(
                header,
                n,
                tuple(range_roots(leaves, inclusion_ranges(n, len(leaves)))),
                note,
            ).to_text(),
        }
        for n, header in enumerate(headers)
    ]


def events() -> list[dict[str, Any]]:
    """An event from the epoch's key to the head: what a reader in another language has to do."""
    from django_jazzauth.keys.wrapping import EpochKey
    from django_jazzauth.store.sealing import Head, event_aad, seal_head

    epoch_key, data_key = KEY[::-1], KEY
    epoch = EpochKey(EPOCH_ID, 1, epoch_key)
    subject = stream = "user/00000000-0000-4000-8000-000000000001"
    wrapped = seal_with_nonce(
        Envelope(derive_key(epoch_key, "data-key-wrap")),
        data_key,
        frame("jazzauth/data-key/1", KEY_ID, subject, EPOCH_ID),
        NONCE,
    )
    assert epoch.unwrap_data_key(KEY_ID, subject, wrapped) == data_key
    rows: list[dict[str, Any]] = []
    previous = bytes(32)
    states = ({"email": "ada@example.org", "is_staff": False}, None)
    for version, (kind, state) in enumerate(zip(("created", "deleted"), states, strict=True), 1):
        recorded_at = 1_700_000_000_000_000 + version
        plaintext = msgspec.msgpack.encode((state, {"via": "api"}))
        aad = event_aad(event_place(stream, version, kind, 1, KEY_ID, recorded_at))
        payload = seal_with_nonce(Envelope(data_key), plaintext, aad, NONCE)
        digest = event_digest(
            previous=previous,
            stream=stream,
            version=version,
            type=kind,
            schema=1,
            key_id=KEY_ID,
            recorded_at=recorded_at,
            payload_hash=payload_hash(payload),
        )
        head = Head(version, 1, digest, recorded_at, state or {})
        blob = seal_head(epoch.head_cipher("user"), EPOCH_ID, stream, head)
        rows.append(
            {
                "epoch_key": epoch_key.hex(),
                "epoch_id": EPOCH_ID.hex(),
                "data_key": data_key.hex(),
                "key_id": KEY_ID.hex(),
                "subject": subject,
                "wrapped": wrapped.hex(),
                "stream": stream,
                "version": version,
                "type": kind,
                "schema": 1,
                "recorded_at": recorded_at,
                "state": state,
                "cause": {"via": "api"},
                "plaintext": plaintext.hex(),
                "aad": aad.hex(),
                "payload": payload.hex(),
                "previous": previous.hex(),
                "digest": digest.hex(),
                "head": None if state is None else blob.hex(),
            }
        )
        previous = digest
    return rows


def batches() -> list[dict[str, Any]]:
    from django_jazzauth.store.leaves import Batch, batch_aad

    note = checkpoints()[2]["note"]
    tree = CompactRange()
    for row in event_leaves():
        tree.append(bytes.fromhex(row["leaf"]))
    batch = Batch([(1, 1), (2**40, 2**40)], [(2, 5, 1_700_000_000_000_000)], 2**40, tree)
    aad = batch_aad(0, 2, note)
    return [
        {
            "data_key": KEY.hex(),
            "first": 0,
            "size": 2,
            "note": note,
            "plaintext": batch.to_bytes().hex(),
            "aad": aad.hex(),
            "sealed": seal_with_nonce(Envelope(KEY), batch.to_bytes(), aad, NONCE).hex(),
        }
    ]


def worker_secrets() -> list[dict[str, Any]]:
    rows = []
    for raw in (KEY, bytes(32), b"\xff" * 32):
        secret = WorkerSecret(raw)
        rows.append({"secret": raw.hex(), "text": secret.to_text(), "worker_id": secret.worker_id})
    return rows


def grants(kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if kept:
        return kept
    rows = []
    worker_id = WorkerSecret(KEY).worker_id
    for suite in SUITES:
        key = HpkeKey(suite, KEY)
        info = frame("jazzauth/grant/1", EPOCH_ID, worker_id, suite)
        rows.append(
            {
                "secret": KEY.hex(),
                "suite": suite,
                "epoch_id": EPOCH_ID.hex(),
                "worker_id": worker_id,
                "public_key": base64.b64encode(key.public_key).decode(),
                "info": info.hex(),
                "plaintext": KEY[::-1].hex(),
                "sealed": base64.b64encode(
                    seal_to(suite, key.public_key, KEY[::-1], info)
                ).decode(),
            }
        )
    return rows


def stored(name: str) -> list[dict[str, Any]]:
    path = DIRECTORY / f"{name}.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
    return rows


DETERMINISTIC = {
    "frame": frames,
    "derive_key": derived_keys,
    "envelope": envelopes,
    "head_cipher": heads,
    "index_cipher": columns,
    "event_digest": digests,
    "worker_secret": worker_secrets,
    "event": events,
    "merkle": merkle_trees,
    "event_leaf": event_leaves,
    "checkpoint": checkpoints,
    "checkpoint_batch": batches,
    "tlog_proof": proofs,
}


def write(name: str, rows: list[dict[str, Any]]) -> None:
    text = json.dumps(rows, indent=2, ensure_ascii=False)
    (DIRECTORY / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from . import more_vectors

    for name, build in {**DETERMINISTIC, **more_vectors.DETERMINISTIC}.items():
        write(name, build())
    write("grant", grants(stored("grant")))
