"""``jazzauth relay``: from the log to JetStream, step by step.

A step reads events, publishes the data keys that seal them, then the events, waits for every
acknowledgement, and moves the cursor. Killed anywhere, the next run does the step again; what was
published already is recognised by its id, or by the copy.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress

from django.db import DatabaseError, close_old_connections

from ...conf import get_settings
from ...errors import CopyRefused, RelayLed, RelayUnavailable
from ...keys.cache import RecentlyUsed
from ...keys.carrying import (
    DataKeyCarried,
    page_of_data_keys,
    read_data_keys,
    read_keyring,
)
from ...keys.models import Epoch
from ...keys.rewrapping import stale_data_keys
from ...keys.tombstones import key_of_tombstones
from ..journal import COMPACTED, SHREDDED
from .bus import Bus
from .cursor import Cursor, place_of
from .tail import Tail, stream_events
from .wire import (
    EventCarried,
    Message,
    body_of,
    data_key_subject,
    event_message,
    event_subjects,
    key_subjects,
    keyring_subject,
    read_body,
    stream_subject,
)

_KEYRING_EVERY = 5.0
_REMEMBERED = 100_000
_LONGEST_PAUSE = 30.0

Say = Callable[[str], None]


def key_stream(stream: str) -> str:
    """Name of the JetStream stream of the keys."""
    return f"{stream}-keys"


def create_streams(bus: Bus) -> None:
    """Make both streams, as far as they are not there."""
    given = get_settings().RELAY
    bus.create_stream(given.STREAM, event_subjects(given.SUBJECT_PREFIX), only_newest=False)
    bus.create_stream(
        key_stream(given.STREAM), key_subjects(given.SUBJECT_PREFIX), only_newest=True
    )


class Relay:
    """One connection's worth of publishing.

    Args:
        alias: database alias.
        bus: connected.
        token: names this process.

    Raises:
        RelayLed: another relay of the same name publishes.
        RelayStreamUnfit: a stream is missing or not as it must be.
    """

    def __init__(self, alias: str, bus: Bus, token: str) -> None:
        given = get_settings().RELAY
        self._alias = alias
        self._bus = bus
        self._prefix = given.SUBJECT_PREFIX
        self._events = given.STREAM
        self._keys = key_stream(given.STREAM)
        self._batch = given.BATCH
        self._cursor = Cursor(alias, given.NAME, token, given.LEASE)
        bus.check_stream(self._events, event_subjects(self._prefix), only_newest=False)
        bus.check_stream(self._keys, key_subjects(self._prefix), only_newest=True)
        row = self._cursor.take()
        self._tail = Tail(alias, place_of(row))
        self._published: int = row.published
        self._keys_epoch: int = row.keys_epoch
        self._keep_at = 0.0
        self._renew = given.LEASE / 3
        self._keyring_at = 0.0
        self._known: RecentlyUsed[bytes, bool] = RecentlyUsed(_REMEMBERED)
        self._sweeping = 0
        self._sweep: bytes | None = None

    def step(self) -> int:
        """Publish what comes next.

        Returns:
            How much was done; 0 if there is nothing more to do now.

        Raises:
            RelayUnavailable, RelayTooLarge, RelayLed: nothing is noted as published then.
        """
        if time.monotonic() >= self._keyring_at:
            self._publish_keyring()
        events, place = self._tail.read(self._batch)
        for start in range(0, len(events), self._batch):
            self._publish(events[start : start + self._batch])
        swept = self._sweep_page()
        moved = place != self._tail.place
        if moved or swept:
            self._published += len(events)
            self._cursor.move(place, self._published, self._keys_epoch)
            self._tail.reached(place)
            self._keep_at = time.monotonic() + self._renew
        elif time.monotonic() >= self._keep_at:
            self._cursor.keep()
            self._keep_at = time.monotonic() + self._renew
        return len(events) + swept

    @property
    def published(self) -> int:
        """How many events this relay published, as its row counts them."""
        return self._published

    def leave(self) -> None:
        """Let another relay take over."""
        self._cursor.leave()

    # -- events -----------------------------------------------------------------------------------

    def _publish(self, events: Sequence[EventCarried]) -> None:
        self._publish_keys_of(events)
        waiting: list[Message] = []
        for event in events:
            if event.type == COMPACTED and self._holds_payloads(event):
                self._bus.publish(self._events, waiting)
                waiting = self._without_payloads(event)
            else:
                waiting.append(event_message(self._prefix, event))
        if waiting:
            self._bus.publish(self._events, waiting)

    def _holds_payloads(self, event: EventCarried) -> bool:
        """Whether JetStream still has payloads of a stream that the log dropped."""
        first = self._bus.first(self._events, stream_subject(self._prefix, event.stream))
        if first is None:
            return False
        carried = read_body(first.body)
        return isinstance(carried, EventCarried) and carried.payload is not None

    def _without_payloads(self, event: EventCarried) -> list[Message]:
        """Drop a stream's messages; what to publish instead, under ids that were never used."""
        self._bus.purge(self._events, stream_subject(self._prefix, event.stream))
        again = uuid.uuid4().hex[:8]
        return [
            event_message(self._prefix, each, again)
            for each in stream_events(self._alias, event.stream, event.version)
        ]

    # -- keys -------------------------------------------------------------------------------------

    def _publish_keys_of(self, events: Sequence[EventCarried]) -> None:
        """Before an event its key, and before a ``shredded`` one the news that it is destroyed."""
        wanted = {
            event.key_id
            for event in events
            if event.type == SHREDDED or self._known.get(event.key_id) is None
        }
        if wanted:
            keys = read_data_keys(self._alias, sorted(wanted))
            if any(key.tombstone is not None for key in keys):
                # It seals no event, so that nothing else brings it.
                sealed_with = key_of_tombstones(self._alias)
                if sealed_with is not None:
                    keys = [*read_data_keys(self._alias, [sealed_with]), *keys]
            self._publish_data_keys(keys)
        for id_ in wanted:
            self._known.put(id_, True)

    def _publish_data_keys(self, keys: Sequence[DataKeyCarried]) -> None:
        messages = []
        for key in keys:
            body = body_of(key)
            messages.append(Message(data_key_subject(self._prefix, key.id), body, ""))
        self._bus.replace(self._keys, messages, _is_destroyed)

    def _publish_keyring(self) -> None:
        """If JetStream has another one than the database, whoever published that."""
        subject = keyring_subject(self._prefix)
        body = body_of(read_keyring(self._alias))
        self._bus.replace(self._keys, [Message(subject, body, "")], lambda there: False)
        self._keyring_at = time.monotonic() + _KEYRING_EVERY

    def _sweep_page(self) -> int:
        """All data keys once, and again when all were re-wrapped under another epoch."""
        current = Epoch.objects.using(self._alias).filter(superseded_at=None).first()
        if current is None or current.number == self._keys_epoch:
            return 0
        if self._sweeping != current.number:
            if stale_data_keys(self._alias).exists():
                return 0  # `jazzauth rewrap` is at work, or still to be run
            self._sweeping, self._sweep = current.number, None
        page = page_of_data_keys(self._alias, self._sweep, self._batch)
        if page:
            self._publish_data_keys(page)
            self._sweep = page[-1].id
            return len(page)
        self._publish_keyring()
        self._keys_epoch = current.number
        return 1


def _is_destroyed(body: bytes) -> bool:
    """Nothing replaces the news that a key was destroyed, however late it is published."""
    try:
        carried = read_body(body)
    except CopyRefused:
        return False
    return isinstance(carried, DataKeyCarried) and carried.wrapped is None


def drain(alias: str) -> int:
    """Publish all that is committed, and return how many events that was.

    Raises:
        RelayLed, RelayUnavailable, RelayTooLarge, RelayStreamUnfit: see their texts.
    """
    with Bus(get_settings().RELAY) as bus:
        relay = Relay(alias, bus, uuid.uuid4().hex)
        before = relay.published
        try:
            while relay.step():
                pass
        finally:
            relay.leave()
        return relay.published - before


def run(alias: str, stop: threading.Event, say: Say) -> None:
    """Publish until told to stop; wait, ever longer, while NATS or the database is away.

    Args:
        alias: database alias.
        stop: set from outside.
        say: takes one line for people.

    Raises:
        RelayStreamUnfit, RelayTooLarge: somebody has to do something about it.
    """
    given = get_settings().RELAY
    token = uuid.uuid4().hex
    pause = given.POLL
    said = ""
    while not stop.is_set():
        try:
            with Bus(given) as bus:
                relay = Relay(alias, bus, token)
                say(f"Publishing to {given.STREAM}.")
                said = ""
                try:
                    while not stop.is_set():
                        pause = given.POLL
                        if not relay.step():
                            close_old_connections()
                            stop.wait(given.POLL)
                finally:
                    _leave(relay)
        except RelayLed as error:
            text, wait = f"{error} [{error.code}]", given.LEASE / 2
        except RelayUnavailable as error:
            text, wait = f"{error} Trying again. [{error.code}]", pause
        except DatabaseError as error:
            text, wait = f"The database says: {str(error).strip()} Trying again.", pause
        else:
            continue
        if text != said:
            say(text)
            said = text
        close_old_connections()
        stop.wait(wait)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _leave(relay: Relay) -> None:
    with suppress(DatabaseError):  # the lease runs out by itself
        relay.leave()
