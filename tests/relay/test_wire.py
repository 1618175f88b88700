"""Messages and subjects: what is written is read, and nothing else is taken for it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.errors import CopyRefused
from django_jazzauth.keys.carrying import DataKeyCarried
from django_jazzauth.store.relay.wire import (
    EventCarried,
    body_of,
    event_of,
    read_body,
    stream_subject,
)

numbers = st.integers(0, 2**63 - 1)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
events = st.builds(
    EventCarried,
    position=numbers,
    txid=numbers,
    stream=texts,
    version=numbers,
    type=texts,
    schema=numbers,
    key_id=st.binary(min_size=16, max_size=16),
    recorded_at=numbers,
    digest=st.binary(min_size=32, max_size=32),
    payload=st.none() | st.binary(max_size=200),
    payload_hash=st.none() | st.binary(min_size=32, max_size=32),
)


@given(events)
def test_events(event: EventCarried) -> None:
    assert read_body(body_of(event)) == event


@given(events)
def test_from_columns(event: EventCarried) -> None:
    columns = tuple(getattr(event, name) for name in event.__struct_fields__)
    assert event_of(columns) == event


@given(texts, texts)
def test_a_subject_is_one_of_nats(entity: str, key: str) -> None:
    subject = stream_subject("jazzauth", f"{entity}/{key}")
    assert re.fullmatch(r"jazzauth\.event\.[A-Za-z0-9_~%-]+\.[A-Za-z0-9_~%-]+", subject)


@given(texts, texts)
def test_different_streams_have_different_subjects(one: str, other: str) -> None:
    same = stream_subject("p", f"user/{one}") == stream_subject("p", f"user/{other}")
    assert same == (one == other)


def test_the_bytes() -> None:
    """Fixed: others may read them."""
    key = DataKeyCarried(bytes(range(16)), "user/1", bytes(16), None, 1, 2)
    assert body_of(key).hex() == (
        "0198a8646174612d6b6579c410000102030405060708090a0b0c0d0e0fa6757365722f31"
        "c41000000000000000000000000000000000c00102c0"
    )
    event = EventCarried(7, 9, "user/1", 1, "created", 1, bytes(16), 5, bytes(32), b"sealed", None)
    assert body_of(event).hex() == (
        "019ca56576656e740709a6757365722f3101a76372656174656401c410"
        + "00" * 16
        + "05c420"
        + "00" * 32
        + "c4067365616c6564c0"
    )


@pytest.mark.parametrize(
    "body", [b"", b"\x02", b"\x01", b"\x01\x91\xa5event", b"\x01\x91\xa5other"]
)
def test_what_is_refused(body: bytes) -> None:
    with pytest.raises(CopyRefused):
        read_body(body)
