"""The test vectors of docs/format.md, computed. ``python -m tests.crypto.vectors`` writes them.

Everything but the grants is deterministic. Grants are random by nature: those in the file are kept,
and have to open for ever.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from django_jazzauth.crypto.derive import derive_key
from django_jazzauth.crypto.digest import event_digest, payload_hash
from django_jazzauth.crypto.envelope import Envelope, HeadCipher, seal_with_nonce
from django_jazzauth.crypto.framing import frame
from django_jazzauth.crypto.hpke import SUITES, HpkeKey, seal_to
from django_jazzauth.crypto.index_cipher import IndexCipher
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
    for suite in SUITES:
        key = HpkeKey(suite, KEY)
        info = frame("jazzauth/grant/1", EPOCH_ID, "w_0000000000000000", suite)
        rows.append(
            {
                "secret": KEY.hex(),
                "suite": suite,
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
}


def write(name: str, rows: list[dict[str, Any]]) -> None:
    text = json.dumps(rows, indent=2, ensure_ascii=False)
    (DIRECTORY / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    for name, build in DETERMINISTIC.items():
        write(name, build())
    write("grant", grants(stored("grant")))
