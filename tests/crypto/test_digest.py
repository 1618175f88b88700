import hashlib

import pytest

from django_jazzauth.crypto.digest import event_digest, payload_hash
from django_jazzauth.crypto.framing import FramingError

EVENT = {
    "previous": bytes(32),
    "stream": "user/1",
    "version": 1,
    "type": "created",
    "schema": 1,
    "key_id": bytes(range(16)),
    "recorded_at": 1_700_000_000_000_000,
    "payload_hash": payload_hash(b"sealed"),
}

CHANGES = {
    "previous": b"\x01" + bytes(31),
    "stream": "user/2",
    "version": 2,
    "type": "updated",
    "schema": 2,
    "key_id": bytes(16),
    "recorded_at": 1_700_000_000_000_001,
    "payload_hash": payload_hash(b"other"),
}


def test_a_payload_hash_is_plain_sha256():
    assert payload_hash(b"sealed") == hashlib.sha256(b"sealed").digest()


def test_an_event_digest_is_sha256_of_a_frame():
    def part(raw):
        return len(raw).to_bytes(4, "big") + raw

    assert (
        event_digest(**EVENT)
        == hashlib.sha256(
            part(b"jazzauth/event/1")
            + part(bytes(32))
            + part(b"user/1")
            + part((1).to_bytes(8, "big"))
            + part(b"created")
            + part((1).to_bytes(8, "big"))
            + part(bytes(range(16)))
            + part((1_700_000_000_000_000).to_bytes(8, "big"))
            + part(hashlib.sha256(b"sealed").digest())
        ).digest()
    )


def test_every_part_counts():
    digests = {event_digest(**{**EVENT, name: value}) for name, value in CHANGES.items()}
    assert len(digests | {event_digest(**EVENT)}) == len(CHANGES) + 1


@pytest.mark.parametrize("part", ["previous", "payload_hash", "key_id"])
@pytest.mark.parametrize("change", [-1, 1])
def test_parts_of_other_lengths_are_refused(part, change):
    wrong = bytes(len(EVENT[part]) + change)
    with pytest.raises(ValueError, match="32 bytes and key ids 16"):
        event_digest(**{**EVENT, part: wrong})


def test_a_time_before_1970_is_refused():
    with pytest.raises(FramingError):
        event_digest(**{**EVENT, "recorded_at": -1})
