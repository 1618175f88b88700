"""``jazzauth follow``: from JetStream into a copy of the log."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import DatabaseError, close_old_connections

from ...conf import get_settings
from ...errors import CopyRefused, RelayUnavailable
from ...keys.carrying import DataKeyCarried, KeyringCarried
from ..journal import ENDED
from .bus import Bus
from .copy import Copy, Written
from .publisher import key_stream
from .wire import EventCarried, event_subjects, key_subjects, keyring_subject, read_body

_MOMENT = 0.05
_LONGEST_PAUSE = 30.0

Say = Callable[[str], None]


class Follower:
    """One connection's worth of reading.

    Args:
        alias: database alias of the copy.
        bus: connected.

    Raises:
        CopyRefused: the database is none that a copy can be in.
        RelayStreamUnfit: a stream is missing or not as it must be.
    """

    def __init__(self, alias: str, bus: Bus) -> None:
        given = get_settings().RELAY
        self._bus = bus
        self._events = given.STREAM
        self._keys = key_stream(given.STREAM)
        self._prefix = given.SUBJECT_PREFIX
        self._batch = given.BATCH
        bus.check_stream(self._events, event_subjects(self._prefix), only_newest=False)
        bus.check_stream(self._keys, key_subjects(self._prefix), only_newest=True)
        self._copy = Copy(alias, given.STREAM)
        self.written = Written()

    def step(self, patience: float) -> int:
        """Read what comes next of both streams, and write it.

        Args:
            patience: seconds to wait for events.

        Returns:
            The number of messages; 0 if there is nothing more now.

        Raises:
            CopyRefused: something does not continue the copy.
            RelayUnavailable: NATS is away.
        """
        return self._step_keys() + self._step_events(patience)

    def _step_events(self, patience: float) -> int:
        messages = self._bus.read(self._events, self._copy.events, self._batch, patience)
        if not messages:
            return 0
        events = []
        for message in messages:
            carried = read_body(message.body)
            if not isinstance(carried, EventCarried):
                raise CopyRefused(f"Message {message.sequence} of {self._events} is no event.")
            events.append(carried)
        if any(event.type in ENDED for event in events):
            # Those are opened before they are acted on, and each key was published before.
            while self._step_keys():
                pass
        self._copy.write_events(events, messages[-1].sequence, self.written)
        return len(messages)

    def _step_keys(self) -> int:
        messages = self._bus.read(self._keys, self._copy.keys, self._batch, _MOMENT)
        if not messages:
            return 0
        ring: KeyringCarried | None = None
        keys: list[DataKeyCarried] = []
        for message in messages:
            carried = read_body(message.body)
            if isinstance(carried, KeyringCarried):
                ring = carried
            elif isinstance(carried, DataKeyCarried):
                keys.append(carried)
            else:
                raise CopyRefused(f"Message {message.sequence} of {self._keys} is no key.")
        last = messages[-1].sequence
        if not self._copy.write_keys(keys, ring, last, self.written):
            # The keyring is one message, which moves to the stream's end whenever it changes.
            ring = self._newest_keyring()
            if not self._copy.write_keys(keys, ring, last, self.written):
                raise CopyRefused("The keys belong to an epoch that was never published.")
        return len(messages)

    def _newest_keyring(self) -> KeyringCarried:
        found = self._bus.newest(self._keys, keyring_subject(self._prefix))
        carried = None if found is None else read_body(found.body)
        if not isinstance(carried, KeyringCarried):
            raise CopyRefused(f"There is no keyring in {self._keys}: is the relay running?")
        return carried


def catch_up(alias: str) -> Written:
    """Read all that is published, and return what was written.

    Raises:
        CopyRefused, RelayUnavailable, RelayStreamUnfit: see their texts.
    """
    with Bus(get_settings().RELAY) as bus:
        follower = Follower(alias, bus)
        while follower.step(_MOMENT):
            pass
        return follower.written


def follow(alias: str, stop: threading.Event, say: Say) -> None:
    """Read until told to stop; wait, ever longer, while NATS or the database is away.

    Args:
        alias: database alias of the copy.
        stop: set from outside.
        say: takes one line for people.

    Raises:
        CopyRefused, RelayStreamUnfit: somebody has to do something about it.
    """
    given = get_settings().RELAY
    pause = given.POLL
    said = ""
    while not stop.is_set():
        try:
            with Bus(given) as bus:
                follower = Follower(alias, bus)
                say(f"Following {given.STREAM}.")
                said = ""
                while not stop.is_set():
                    follower.step(given.POLL)
                    pause = given.POLL
                    close_old_connections()
                return
        except RelayUnavailable as error:
            text = f"{error} Trying again. [{error.code}]"
        except DatabaseError as error:
            text = f"The database says: {str(error).strip()} Trying again."
        if text != said:
            say(text)
            said = text
        close_old_connections()
        stop.wait(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
