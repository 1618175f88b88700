"""What the relay publishes: every event, in order, with the keys that a copy needs."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from django_jazzauth.conf import get_settings
from django_jazzauth.errors import (
    RelayError,
    RelayLed,
    RelayStreamUnfit,
    RelayUnavailable,
    StoreError,
)
from django_jazzauth.keys.carrying import DataKeyCarried, KeyringCarried
from django_jazzauth.keys.models import DataKey
from django_jazzauth.keys.rotation import rotate
from django_jazzauth.store import store
from django_jazzauth.store.models import Event, RelayCursor
from django_jazzauth.store.relay.bus import Bus
from django_jazzauth.store.relay.cursor import status
from django_jazzauth.store.relay.publisher import Relay, drain, key_stream
from django_jazzauth.store.relay.wire import EventCarried, event_message, read_body
from django_jazzauth.store.retire import retire
from django_jazzauth.store.rewrap import rewrap

pytestmark = pytest.mark.django_db(transaction=True)


def people(count: int, prefix: str = "p") -> list[Any]:
    return [get_user_model().objects.create(username=f"{prefix}{n}") for n in range(count)]


def published(keys: bool = False) -> list[Any]:
    given = get_settings().RELAY
    name = key_stream(given.STREAM) if keys else given.STREAM
    found: list[Any] = []
    with Bus(given) as bus:
        after = 0
        while messages := bus.read(name, after, 500, 0.2):
            found += [read_body(message.body) for message in messages]
            after = messages[-1].sequence
    return found


def key_messages() -> dict[bytes, DataKeyCarried]:
    return {key.id: key for key in published(keys=True) if isinstance(key, DataKeyCarried)}


def test_every_event_as_it_stands_in_the_log(relay_settings: Any) -> None:
    for user in people(3):
        user.first_name = "Ada"
        user.save()
    assert drain("default") == 6
    rows = list(Event.objects.order_by("position"))
    messages = published()
    assert [message.position for message in messages] == [row.position for row in rows]
    for message, row in zip(messages, rows, strict=True):
        assert isinstance(message, EventCarried)
        assert message.stream == row.stream
        assert message.version == row.version
        assert message.type == row.type
        assert message.schema == row.schema
        assert message.key_id == row.key_id.bytes
        assert message.recorded_at == row.recorded_at
        assert message.txid == row.txid
        assert message.digest == bytes(row.digest)
        assert message.payload == bytes(row.payload)
        assert message.payload_hash is None
    assert drain("default") == 0
    assert len(published()) == 6


def test_the_keys_travel_wrapped(relay_settings: Any) -> None:
    people(2)
    drain("default")
    keys = key_messages()
    assert {row.pk.bytes: bytes(row.wrapped) for row in DataKey.objects.all()} == {
        id_: key.wrapped for id_, key in keys.items()
    }
    rings = [ring for ring in published(keys=True) if isinstance(ring, KeyringCarried)]
    assert len(rings) == 1
    assert len(rings[0].epochs) == len(rings[0].grants) == len(rings[0].workers) == 1


def test_a_destroyed_key_replaces_the_wrapped_one(relay_settings: Any) -> None:
    user, _ = people(2)
    drain("default")
    id_ = DataKey.objects.get(subject=f"user/{user.pk}").pk.bytes
    assert key_messages()[id_].wrapped is not None
    store.shred(user)
    drain("default")
    key = key_messages()[id_]
    assert (key.wrapped, key.subject) == (None, None)
    assert key.destroyed_at is not None
    assert published()[-1].type == "shredded"


def test_a_key_that_is_published_late_does_not_come_back(relay_settings: Any) -> None:
    """A relay that was held up between reading and publishing has the key as it was before."""
    user = people(1)[0]
    given = get_settings().RELAY
    drain("default")
    with Bus(given) as bus:
        relay = Relay("default", bus, "a" * 32)
        stale = list(key_messages().values())
        store.shred(user)
        while relay.step():
            pass
        relay._publish_data_keys(stale)
        relay.leave()
    assert [key.wrapped for key in key_messages().values() if key.destroyed_at] == [None]


def test_all_keys_travel_again_after_a_rotation(relay_settings: Any) -> None:
    people(3)
    drain("default")
    before = key_messages()
    rotate("default")
    drain("default")
    assert key_messages() == before  # nothing was re-wrapped yet
    rewrap("default")
    drain("default")
    after = key_messages()
    assert {id_: key.wrapped for id_, key in after.items()} == {
        row.pk.bytes: bytes(row.wrapped) for row in DataKey.objects.all()
    }
    assert all(after[id_].wrapped != before[id_].wrapped for id_ in before)
    retire("default", 1)
    drain("default")
    ring = next(each for each in published(keys=True) if isinstance(each, KeyringCarried))
    assert [epoch.retired_at is not None for epoch in ring.epochs] == [True, False]
    assert len(ring.grants) == 1


def test_it_resumes_where_it_was_acknowledged(relay_settings: Any) -> None:
    people(4)
    given = get_settings().RELAY
    drain("default")
    people(4, "q")
    with Bus(given) as bus:
        relay = Relay("default", bus, "a" * 32)
        events, _ = relay._tail.read(3)
        relay._publish(events)  # and killed before the cursor moved
        relay.leave()
    assert drain("default") == 4
    assert [message.position for message in published()] == [
        row.position for row in Event.objects.order_by("position")
    ]


def test_two_relays_of_one_name(relay_settings: Any) -> None:
    people(3)
    given = get_settings().RELAY
    with Bus(given) as bus, Bus(given) as other:
        first = Relay("default", bus, "a" * 32)
        with pytest.raises(RelayLed):
            Relay("default", other, "b" * 32)
        RelayCursor.objects.update(leased_until=1)  # the first one was silent for long
        second = Relay("default", other, "b" * 32)
        while second.step():
            pass
        with pytest.raises(RelayLed):
            while first.step():
                pass
        second.leave()
    assert [message.version for message in published()] == [1, 1, 1]


def test_what_stands_beside_a_refused_message_is_refused_too(relay_settings: Any) -> None:
    """So that a relay that was thought dead cannot put events in disorder."""
    people(4)
    given = get_settings().RELAY
    with Bus(given) as bus, Bus(given) as other:
        relay = Relay("default", bus, "a" * 32)
        events, _ = relay._tail.read(10)
        one, two, three, four = (event_message(given.SUBJECT_PREFIX, event) for event in events)
        bus.publish(given.STREAM, [one])
        other.publish(given.STREAM, [two])
        with pytest.raises(RelayUnavailable, match="wrong last msg ID"):
            bus.publish(given.STREAM, [three, four])
        other.publish(given.STREAM, [three, four])
        relay.leave()
    assert published() == events


def test_a_late_event_among_those_that_are_there_already(relay_settings: Any) -> None:
    """A relay was killed in a batch; the next one reads the same, and one that committed since."""
    people(4)
    given = get_settings().RELAY
    with Bus(given) as bus:
        relay = Relay("default", bus, "a" * 32)
        events, _ = relay._tail.read(10)
        relay.leave()
        one, late, three, four = (event_message(given.SUBJECT_PREFIX, event) for event in events)
        bus.publish(given.STREAM, [one, three])
    with Bus(given) as bus:
        bus.publish(given.STREAM, [one, late, three, four])
    assert published() == [events[0], events[2], events[1], events[3]]


def test_compacted_payloads_are_dropped_from_nats(relay_settings: Any, settings: Any) -> None:
    user = people(1)[0]
    stream = f"user/{user.pk}"
    drain("default")
    user.delete()
    drain("default")
    assert all(message.payload for message in published())
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RETENTION": {"user": 0}}
    store.compact()
    drain("default")
    messages = [message for message in published() if message.stream == stream]
    assert [(message.version, message.type) for message in messages] == [
        (1, "created"),
        (2, "deleted"),
        (3, "compacted"),
    ]
    assert [message.payload is None for message in messages] == [True, True, False]


def test_its_place_in_numbers(relay_settings: Any) -> None:
    people(5)
    name = relay_settings["NAME"]
    before = status("default", name)
    assert (before.started, before.behind, before.led) == (False, 5, False)
    drain("default")
    people(2, "q")
    after = status("default", name)
    assert (after.started, after.behind, after.published) == (True, 2, 5)
    assert after.silent is not None
    assert after.oldest >= 0


def test_a_stream_that_is_not_there(relay_settings: Any, settings: Any) -> None:
    given = {**relay_settings, "STREAM": "test-nowhere"}
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RELAY": given}
    with pytest.raises(RelayStreamUnfit, match="--create-stream"):
        drain("default")


def test_a_stream_that_keeps_old_keys(relay_settings: Any) -> None:
    given = get_settings().RELAY
    with Bus(given) as bus:
        bus.delete_stream(key_stream(given.STREAM))
        bus.create_stream(
            key_stream(given.STREAM), f"{given.SUBJECT_PREFIX}.key.>", only_newest=False
        )
    with pytest.raises(RelayStreamUnfit, match="destroyed"):
        drain("default")


def test_not_inside_a_transaction(relay_settings: Any) -> None:
    people(1)
    with transaction.atomic(), pytest.raises(RelayError, match="transaction"):
        drain("default")


def test_what_the_database_cannot_hold_is_refused(relay_settings: Any) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("other databases have types")
    people(1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jazzauth_event SET version = 'one'")
    with pytest.raises(StoreError, match="position"):
        drain("default")
