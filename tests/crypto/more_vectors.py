"""Vectors of stored rows: wrapped keys, columns, values, compacted streams, messages, refusals."""

from __future__ import annotations

import datetime
import uuid
from decimal import Decimal
from typing import Any

import msgspec
from django.db import models

from django_jazzauth.crypto.derive import derive_key
from django_jazzauth.crypto.digest import event_digest, event_place, payload_hash
from django_jazzauth.crypto.envelope import Envelope, seal_with_nonce
from django_jazzauth.crypto.framing import frame
from django_jazzauth.crypto.notes import Checkpoint, NoteSigner
from django_jazzauth.folding import fold_email, fold_text
from django_jazzauth.keys.anchor import Anchor, make_anchor
from django_jazzauth.keys.card import Card
from django_jazzauth.keys.carrying import (
    DataKeyCarried,
    EpochCarried,
    GrantCarried,
    KeyringCarried,
    RootCarried,
    WorkerCarried,
)
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.wrapping import EpochKey, index_cipher
from django_jazzauth.sealed.codec import field_codec
from django_jazzauth.sealed.fields import _index_bytes
from django_jazzauth.store.sealing import Head, event_aad, seal_head
from django_jazzauth.store.trigrams import terms_of, tokens_of

KEY = bytes(range(32))
NONCE = bytes(range(100, 112))
EPOCH_ID = bytes(range(16))
PREVIOUS_ID = bytes(range(32, 48))
KEY_ID = bytes(range(16, 32))
EPOCH_KEY = KEY[::-1]
ROOT = bytes(range(64, 96))
STREAM = "user/00000000-0000-4000-8000-000000000001"
NOW = 1_700_000_000_000_000
ORIGIN = "example.org/accounts"


def wrapped_keys() -> list[dict[str, Any]]:
    """Every kind of wrapped key, and an endorsement, under one epoch."""
    secret = WorkerSecret(KEY)
    rows: list[tuple[str, str, bytes, tuple[Any, ...], dict[str, Any]]] = [
        (
            "data key",
            "data-key-wrap",
            KEY,
            ("jazzauth/data-key/1", KEY_ID, STREAM, EPOCH_ID),
            {"id": KEY_ID.hex(), "subject": STREAM},
        ),
        (
            "index root",
            "index-root-wrap",
            ROOT,
            ("jazzauth/index-root/1", 3, EPOCH_ID),
            {"generation": 3},
        ),
        (
            "previous epoch",
            "previous-epoch-wrap",
            bytes(range(128, 160)),
            ("jazzauth/previous-epoch/1", EPOCH_ID, PREVIOUS_ID),
            {"previous_id": PREVIOUS_ID.hex()},
        ),
        *(
            (
                "endorsement",
                "endorsement",
                secret.public_key(suite),
                ("jazzauth/endorsement/1", EPOCH_ID, secret.worker_id, suite),
                {"worker_id": secret.worker_id, "suite": suite},
            )
            for suite in ("mlkem768-x25519", "x25519")
        ),
    ]
    return [
        {
            "kind": kind,
            "epoch_key": EPOCH_KEY.hex(),
            "epoch_id": EPOCH_ID.hex(),
            **named,
            "plaintext": plaintext.hex(),
            "aad": frame(*parts).hex(),
            "sealed": seal_with_nonce(
                Envelope(derive_key(EPOCH_KEY, purpose)), plaintext, frame(*parts), NONCE
            ).hex(),
        }
        for kind, purpose, plaintext, parts, named in rows
    ]


def cards() -> list[dict[str, Any]]:
    rows = []
    for raw in (KEY, b"\xff" * 32):
        card = Card.of(WorkerSecret(raw))
        rows.append({"secret": raw.hex(), "card": card.to_text(), "worker_id": card.worker_id})
    return rows


def checkpoint_rows() -> list[dict[str, Any]]:
    """What is sealed under the data key of the subject ``checkpoints``, but for the batches."""
    note = NoteSigner(ORIGIN, KEY).sign(Checkpoint(ORIGIN, 1, bytes(32)).to_text())
    key = ("key", KEY, frame("jazzauth/checkpoint-key/1", ORIGIN), {"origin": ORIGIN})
    generation = (
        "generation",
        b"",
        frame("jazzauth/generation/1", 2, note),
        {"number": 2, "abandoned": note},
    )
    return [
        {
            "kind": kind,
            "data_key": EPOCH_KEY.hex(),
            **named,
            "plaintext": plaintext.hex(),
            "aad": aad.hex(),
            "sealed": seal_with_nonce(Envelope(EPOCH_KEY), plaintext, aad, NONCE).hex(),
        }
        for kind, plaintext, aad, named in (key, generation)
    ]


def _value_rows() -> list[tuple[str, Any, Any]]:
    utc = datetime.UTC
    moment = datetime.datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=utc)
    return [
        ("text", models.CharField(max_length=40), "Straße"),
        ("text", models.TextField(), ""),
        ("address", models.GenericIPAddressField(), "2001:db8::1"),
        ("yes or no", models.BooleanField(), True),
        ("whole number", models.IntegerField(), -300),
        ("number", models.FloatField(), 1.5),
        ("decimal", models.DecimalField(max_digits=6, decimal_places=2), Decimal("70.5")),
        ("date", models.DateField(), datetime.date(1815, 12, 10)),
        ("time of day", models.TimeField(), datetime.time(7, 5, 0, 250000)),
        ("time", models.DateTimeField(), moment),
        ("time", models.DateTimeField(), moment.replace(microsecond=0)),
        ("time", models.DateTimeField(), datetime.datetime(1965, 1, 1, tzinfo=utc)),
        ("duration", models.DurationField(), datetime.timedelta(days=-1, microseconds=1)),
        ("UUID", models.UUIDField(), uuid.UUID("00000000-0000-4000-8000-000000000001")),
        ("bytes", models.BinaryField(), b"\x00\xff"),
        ("JSON", models.JSONField(), {"ü": [1, 2.5, None, True]}),
        ("none", models.CharField(null=True, max_length=1), None),
    ]


def values() -> list[dict[str, Any]]:
    """A value of every kind of field as a state holds it, in MessagePack."""
    rows = []
    for number, (kind, field, value) in enumerate(_value_rows()):
        field.set_attributes_from_name(f"field_{number}")
        primitive = field_codec(field).encode(value)
        rows.append(
            {
                "kind": kind,
                "value": str(value),
                "msgpack": msgspec.msgpack.encode(primitive).hex(),
            }
        )
    return rows


def real_columns() -> list[dict[str, Any]]:
    """Searchable columns from the index root on, of a text and of other types, and folded."""
    whole = models.IntegerField()
    whole.set_attributes_from_name("score")
    date = models.DateField()
    date.set_attributes_from_name("born")
    rows = [
        ("email", "Ada@Example.org", "Ada@Example.org"),
        ("email:folded", "Ada@Bücher.example", fold_email("Ada@Bücher.example")),
        ("name:folded", "ＳＴＲＡＳＳＥ ﬁ", fold_text("ＳＴＲＡＳＳＥ ﬁ")),
        ("email:ranked", "Ada@Example.org", "Ada@Example.org"),
        ("name", "", ""),
        ("score", "-300", field_codec(whole).encode(-300)),
        ("born", "1815-12-10", field_codec(date).encode(datetime.date(1815, 12, 10))),
        ("joined", "2024-02-29T00:00:00Z", datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC)),
    ]
    return [
        {
            "root": ROOT.hex(),
            "generation": 3,
            "entity": "patient",
            "name": name,
            "value": value,
            "plaintext": _index_bytes(primitive).hex(),
            "sealed": index_cipher(ROOT, 3, "patient", name).seal(_index_bytes(primitive)).hex(),
        }
        for name, value, primitive in rows
    ]


def boundaries() -> list[dict[str, Any]]:
    """Which generation a value is under while its column moves from 3 to 4."""
    other = bytes(range(96, 128))
    texts = ["ada@example.org", "grace@example.org", "alan@example.org", "mary@example.org"]
    old = {text: index_cipher(ROOT, 3, "user", "email").seal(_index_bytes(text)) for text in texts}
    new = {text: index_cipher(other, 4, "user", "email").seal(_index_bytes(text)) for text in texts}
    middle = sorted(old.values())[1]
    rows = []
    for boundary in (b"\x01\x03", middle, b"\x01\x04"):
        for text in texts:
            moved = old[text] <= boundary
            rows.append(
                {
                    "roots": {"3": ROOT.hex(), "4": other.hex()},
                    "entity": "user",
                    "field": "email",
                    "generation": 3,
                    "target": 4,
                    "boundary": boundary.hex(),
                    "value": text,
                    "under": 4 if moved else 3,
                    "column": (new if moved else old)[text].hex(),
                }
            )
    return rows


def trigram_rows() -> list[dict[str, Any]]:
    rows = []
    for text in ("Ada", "Straße", "A", "ﬁne"):
        cipher = index_cipher(ROOT, 3, "patient", "name:trigrams")
        tokens = sorted(tokens_of(cipher, terms_of(text)))
        rows.append(
            {
                "root": ROOT.hex(),
                "generation": 3,
                "entity": "patient",
                "field": "name",
                "text": text,
                "terms": sorted(terms_of(text)),
                "tokens": tokens,
                "bytes": b"".join(token.to_bytes(2, "big") for token in tokens).hex(),
                "smallints": [token - 0x8000 for token in tokens],
            }
        )
    return rows


def compacted() -> list[dict[str, Any]]:
    """A stream that ended, whose payloads were dropped, and the event that says so."""
    key_id, subject_key = bytes(range(48, 64)), ROOT
    rows: list[dict[str, Any]] = []
    previous = bytes(32)
    for version, (kind, state, schema, id_, key) in enumerate(
        [
            ("created", {"email": "ada@example.org"}, 1, KEY_ID, KEY),
            ("revealed", {"email": "ada@example.org"}, 1, KEY_ID, KEY),
            ("deleted", None, 1, KEY_ID, KEY),
            ("compacted", None, 0, key_id, subject_key),
        ],
        start=1,
    ):
        place = event_place(STREAM, version, kind, schema, id_, NOW + version)
        plain = msgspec.msgpack.encode((state, {}))
        payload = seal_with_nonce(Envelope(key), plain, event_aad(place), NONCE)
        hashed = payload_hash(payload)
        digest = event_digest(
            previous=previous,
            stream=STREAM,
            version=version,
            type=kind,
            schema=schema,
            key_id=id_,
            recorded_at=NOW + version,
            payload_hash=hashed,
        )
        dropped = kind != "compacted"
        rows.append(
            {
                "stream": STREAM,
                "version": version,
                "type": kind,
                "schema": schema,
                "key_id": id_.hex(),
                "recorded_at": NOW + version,
                "payload": None if dropped else payload.hex(),
                "payload_hash": hashed.hex() if dropped else None,
                "digest": digest.hex(),
            }
        )
        previous = digest
    return [{"subject": "compaction", "data_key": subject_key.hex(), "events": rows}]


def messages() -> list[dict[str, Any]]:
    """Bodies of relayed messages; what is sealed in them is anything here."""
    from django_jazzauth.store.relay.wire import EventCarried, body_of, stream_subject

    blob = b"sealed"
    carried: list[tuple[str, Any]] = [
        (
            stream_subject("jazzauth", "user/a.b"),
            EventCarried(7, 9, "user/a.b", 1, "created", 1, KEY_ID, NOW, bytes(32), blob, None),
        ),
        (
            f"jazzauth.key.data.{KEY_ID.hex()}",
            DataKeyCarried(KEY_ID, "user/1", EPOCH_ID, None, NOW, NOW + 1, blob),
        ),
        (
            "jazzauth.key.keyring",
            KeyringCarried(
                [WorkerCarried("w_0", "first", "x25519", blob, NOW, None, blob)],
                [EpochCarried(EPOCH_ID, 1, NOW, None, None, KEY, None, None, KEY)],
                [GrantCarried(EPOCH_ID, "w_0", "x25519", blob, blob)],
                [RootCarried(1, EPOCH_ID, blob, NOW, None)],
            ),
        ),
    ]
    return [
        {
            "subject": subject,
            "json": _plain(msgspec.to_builtins(each, builtin_types=(bytes,))),
            "body": body_of(each).hex(),
        }
        for subject, each in carried
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def refusals() -> list[dict[str, Any]]:
    """Bytes that must not open, each one change away from bytes that do."""
    key = derive_key(EPOCH_KEY, "data-key-wrap")
    aad = frame("jazzauth/data-key/1", KEY_ID, STREAM, EPOCH_ID)
    envelope = seal_with_nonce(Envelope(key), KEY, aad, NONCE)
    epoch = EpochKey(EPOCH_ID, 1, EPOCH_KEY)
    state = Head(2, 1, KEY, NOW, {"email": "ada@example.org"})
    head = seal_head(epoch.head_cipher("user"), EPOCH_ID, STREAM, state)
    column = index_cipher(ROOT, 3, "user", "email").seal(b"sada@example.org")

    def row(cipher: str, why: str, key: bytes, aad: bytes, blob: bytes) -> dict[str, Any]:
        hexed = {"key": key.hex(), "aad": aad.hex(), "sealed": blob.hex()}
        return {"cipher": cipher, "why": why, **hexed}

    def envelopes(why: str, blob: bytes = envelope, aad: bytes = aad) -> dict[str, Any]:
        return row("envelope", why, key, aad, blob)

    def heads(why: str, blob: bytes = head, stream: str = STREAM) -> dict[str, Any]:
        aad = frame("jazzauth/head/1", stream, blob[:23])
        return row("head", why, derive_key(EPOCH_KEY, "head", b"user"), aad, blob[23:])

    def columns(
        why: str, blob: bytes = column, field: str = "email", at: int = 3
    ) -> dict[str, Any]:
        context = frame("user", field)
        data = frame("jazzauth/index/1", context, at)
        index_key = derive_key(ROOT, "index", frame("user", "email"), 64)
        return {
            **row("index", why, index_key, data, blob),
            "context": context.hex(),
            "generation": at,
        }

    other = frame("jazzauth/data-key/1", KEY_ID, "user/2", EPOCH_ID)
    newer = head[:20] + b"\x03" + head[21:]
    return [
        {**envelopes("none: it opens"), "opens": True},
        envelopes("another subject in the additional data", aad=other),
        envelopes("a bit of the ciphertext changed", envelope[:-1] + bytes([envelope[-1] ^ 1])),
        envelopes("a bit of the nonce changed", envelope[:1] + b"\0" + envelope[2:]),
        envelopes("cut short by a byte", envelope[:-1]),
        envelopes("shorter than nonce and tag", envelope[:20]),
        envelopes("empty", b""),
        envelopes("an unknown format", b"\x02" + envelope[1:]),
        {**heads("none: it opens"), "opens": True},
        heads("the head of another stream", stream="user/2"),
        heads("another version in its header", newer),
        heads("cut short by a byte", head[:-1]),
        {**columns("none: it opens"), "opens": True},
        columns("another field", field="email:folded"),
        columns("another generation in its second byte", column[:1] + b"\x04" + column[2:], at=3),
        columns("read as of another generation", column[:1] + b"\x04" + column[2:], at=4),
        columns("cut short by a byte", column[:-1]),
        columns("shorter than its synthetic IV", column[:10]),
    ]


def tombstones() -> list[dict[str, Any]]:
    """What stands in the row of a data key that the application destroyed."""
    position = 4711
    aad = frame("jazzauth/destroyed/1", KEY_ID)
    plaintext = position.to_bytes(8, "big")
    return [
        {
            "data_key": EPOCH_KEY.hex(),
            "id": KEY_ID.hex(),
            "position": position,
            "aad": aad.hex(),
            "sealed": seal_with_nonce(Envelope(EPOCH_KEY), plaintext, aad, NONCE).hex(),
        }
    ]


def successions() -> list[dict[str, Any]]:
    """What a retired epoch says of its successor."""
    old = EpochKey(EPOCH_ID, 1, KEY)
    new = EpochKey(KEY_ID, 2, PREVIOUS_ID + bytes(range(48, 64)))
    return [
        {
            "epoch_id": old.id.hex(),
            "epoch_key": KEY.hex(),
            "public_key": old.public_key.hex(),
            "successor_id": new.id.hex(),
            "successor_key": (PREVIOUS_ID + bytes(range(48, 64))).hex(),
            "successor_public_key": new.public_key.hex(),
            "signed": frame("jazzauth/succession/1", old.id, new.id, new.public_key).hex(),
            "succession": old.name_successor(new).hex(),
        }
    ]


def anchors() -> list[dict[str, Any]]:
    """What a worker says of the epoch that it last opened."""
    rows = []
    for number, key in ((1, KEY), (2**32 - 1, PREVIOUS_ID + bytes(range(48, 64)))):
        worker, epoch = WorkerSecret(KEY), EpochKey(EPOCH_ID, number, key)
        parts = worker.worker_id, epoch.id, epoch.public_key, number
        rows.append(
            {
                "secret": KEY.hex(),
                "worker_id": worker.worker_id,
                "epoch_id": epoch.id.hex(),
                "epoch_key": key.hex(),
                "public_key": epoch.public_key.hex(),
                "number": number,
                "fingerprint": Anchor.of(epoch).fingerprint,
                "authenticated": frame("jazzauth/anchor/1", *parts).hex(),
                "anchor": (make_anchor(worker, epoch) or b"").hex(),
            }
        )
    return rows


def index_seals() -> list[dict[str, Any]]:
    """Which index roots an epoch was left with."""
    return [
        {
            "epoch_id": EPOCH_ID.hex(),
            "epoch_key": KEY.hex(),
            "generations": generations,
            "seal": EpochKey(EPOCH_ID, 1, KEY).seal_generations(generations).hex(),
        }
        for generations in ([], [1], [3, 254])
    ]


DETERMINISTIC = {
    "anchor": anchors,
    "index_seal": index_seals,
    "succession": successions,
    "tombstone": tombstones,
    "wrapped_key": wrapped_keys,
    "card": cards,
    "checkpoint_row": checkpoint_rows,
    "value": values,
    "column": real_columns,
    "boundary": boundaries,
    "trigram": trigram_rows,
    "compacted": compacted,
    "message": messages,
    "refused": refusals,
}
