"""A real database, opened with the worker secret by a reader that has none of our code."""

from __future__ import annotations

import datetime
import uuid
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from django_jazzauth.keys.rotation import rotate
from django_jazzauth.keys.source import worker_secret
from django_jazzauth.store import store, trigram_filling
from tests.crypto import reader
from tests.testapp.models import Patient, Tag

pytestmark = pytest.mark.django_db

EVENT = "stream, version, type, schema, key_id, recorded_at, digest, payload, payload_hash"
EMAIL = "Ada@Bücher.example"


def rows(columns: str, rest: str) -> list[dict[str, Any]]:
    """Rows by SQL; binary columns as bytes, ids as their 16 bytes."""
    names = columns.split(", ")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {rest}")
        return [dict(zip(names, map(_octets, row), strict=True)) for row in cursor.fetchall()]


def _octets(value: Any) -> Any:
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    if isinstance(value, uuid.UUID):
        return value.bytes
    if isinstance(value, str) and len(value) in (32, 36):
        try:
            return uuid.UUID(value).bytes
        except ValueError:
            return value
    return value


def epoch_keys(secret: bytes, worker_id: str) -> dict[bytes, bytes]:
    names = "id, number, public_key, previous_wrapped, index_seal"
    epochs = rows(names, "jazzauth_epoch ORDER BY number DESC")
    newest = epochs[0]["id"]
    (grant,) = (
        row["sealed"]
        for row in rows("epoch_id, worker_id, sealed", "jazzauth_grant")
        if (row["epoch_id"], row["worker_id"]) == (newest, worker_id)
    )
    keys = {newest: reader.open_grant(secret, newest, worker_id, grant)}
    for after, before in pairwise(epochs):
        if after["previous_wrapped"] is None:
            break
        keys[before["id"]] = reader.open_previous(
            keys[after["id"]], after["id"], before["id"], after["previous_wrapped"]
        )
    for epoch in epochs:
        assert reader.epoch_public_key(keys[epoch["id"]]) == epoch["public_key"]
    (worker,) = rows("id, anchor", "jazzauth_worker")
    anchored = reader.read_anchor(secret, worker_id, worker["anchor"])
    assert anchored == (newest, epochs[0]["public_key"], epochs[0]["number"])
    assert epochs[0]["index_seal"] == reader.index_seal(keys[newest], newest, [1])
    return keys


@pytest.fixture
def patient(settings: Any) -> Any:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "TRIGRAM_INDEX": {"patient": ("name",)}}
    trigram_filling.refresh("default")
    owner = get_user_model().objects.create_user("ada", EMAIL, "pw")
    rotate("default")
    patient = Patient.objects.create(
        record_no="r1",
        email=EMAIL,
        name="Straße",
        extra={"a": [1, None]},
        born=datetime.date(1815, 12, 10),
        weight="70.5",
        seen_at=datetime.datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=datetime.UTC),
        owner=owner,
    )
    patient.tags.add(Tag.objects.create(label="blue"))
    return patient


def test_it_opens_by_the_specification_alone(patient: Any) -> None:
    secret = worker_secret()
    keys = epoch_keys(secret._secret, secret.worker_id)
    assert len(keys) == 2
    data_keys = {
        row["id"]: reader.open_data_key(
            keys[row["epoch_id"]], row["epoch_id"], row["id"], row["subject"], row["wrapped"]
        )
        for row in rows("id, subject, epoch_id, wrapped", "jazzauth_data_key")
    }
    found: dict[str, Any] = {}
    for event in rows(EVENT, "jazzauth_event ORDER BY stream, version"):
        previous = bytes(32) if event["version"] == 1 else found[event["stream"]]["digest"]
        assert reader.digest(previous, event) == event["digest"]
        event["state"], _ = reader.open_payload(data_keys[event["key_id"]], event)
        found[event["stream"]] = event
    newest = found[f"patient/{patient.pk}"]
    assert newest["state"] == {
        "record_no": "r1",
        "email": EMAIL,
        "name": "Straße",
        "notes": "",
        "extra": '{"a": [1, null]}',
        "born": "1815-12-10",
        "weight": "70.50",
        "visits": 0,
        "seen_at": datetime.datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=datetime.UTC),
        "active": True,
        "owner": patient.owner_id.bytes,
        "ward": None,
        "tags": [Tag.objects.get().pk],
    }
    (row,) = rows(
        "head, record_no, email, email_folded, name, born, notes, extra", "testapp_patient"
    )
    head = reader.open_head(keys[row["head"][1:17]], f"patient/{patient.pk}", row["head"])
    assert head == (
        newest["digest"],
        newest["version"],
        newest["schema"],
        newest["recorded_at"],
        newest["state"],
    )


def test_its_columns_open_by_the_specification_alone(patient: Any) -> None:
    secret = worker_secret()
    keys = epoch_keys(secret._secret, secret.worker_id)
    (stored,) = rows("generation, epoch_id, wrapped", "jazzauth_index_root")
    epoch_id, number = stored["epoch_id"], stored["generation"]
    root = reader.open_index_root(keys[epoch_id], epoch_id, number, stored["wrapped"])
    (row,) = rows("record_no, email, email_folded, name, born, notes", "testapp_patient")

    def opened(column: str, name: str) -> Any:
        return reader.open_column(root, "patient", name, number, row[column])

    assert opened("record_no", "record_no") == "r1"
    assert opened("email", "email") == EMAIL
    assert opened("email_folded", "email:folded") == reader.fold_email(EMAIL)
    assert reader.fold_email(EMAIL) == "ada@xn--bcher-kva.example"
    assert (row["name"], row["born"], row["notes"]) == (1, 1, 1)
    (trigrams,) = rows("stream, tokens, basis", "jazzauth_trigrams")
    tokens = reader.tokens(root, "patient", "name", number, "Straße")
    if connection.vendor == "postgresql":
        assert trigrams["tokens"] == [token - 0x8000 for token in tokens]
    else:
        assert trigrams["tokens"] == b"".join(token.to_bytes(2, "big") for token in tokens)
    assert trigrams["basis"] == reader.basis(1, ["name"], [number])


def test_the_reader_reads_a_deleted_and_compacted_entity(patient: Any, settings: Any) -> None:
    stream = f"patient/{patient.pk}"
    patient.delete()
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RETENTION": {"patient": 0}}
    store.compact()
    events = [
        event
        for event in rows(EVENT, "jazzauth_event ORDER BY stream, version")
        if event["stream"] == stream
    ]
    previous = bytes(32)
    for event in events:
        previous = reader.digest(previous, event)
        assert previous == event["digest"]
    assert [event["payload"] is None for event in events] == [True, True, True, False]
    assert [event["type"] for event in events[-2:]] == ["deleted", "compacted"]
    (key,) = (
        row
        for row in rows("id, subject, epoch_id, wrapped", "jazzauth_data_key")
        if row["subject"] == "compaction"
    )
    secret = worker_secret()
    epoch_key = epoch_keys(secret._secret, secret.worker_id)[key["epoch_id"]]
    data_key = reader.open_data_key(
        epoch_key, key["epoch_id"], key["id"], key["subject"], key["wrapped"]
    )
    assert events[-1]["key_id"] == key["id"]
    assert reader.open_payload(data_key, events[-1]) == (None, {})
