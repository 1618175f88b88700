"""Relays are killed at random moments while others write: every event arrives once, in order.

Run against an existing, migrated database (the settings module decides which) and a NATS server:
``python -m tests.soak.relay_kill --kills 100``. Processes write without pause, some transactions
slowly, so that they commit late. A relay runs in a process of its own, is killed with SIGKILL after
a random time and started again. In the end what is in JetStream, repetitions left out, must be the
log: every event, each stream in its order.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import django


def _forked(work: Callable[[], None]) -> int:
    """Run in a process of its own; its number. The parent has no connections that it could share.

    Forked, not started anew: a process would take longer to start than it lives.
    """
    number = os.fork()
    if number:
        return number
    try:
        work()
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def _write(ends: float, seed: int) -> None:
    from django.contrib.auth import get_user_model
    from django.db import connection, transaction

    chance = random.Random(seed)
    people: list[Any] = []
    while time.monotonic() < ends:
        with transaction.atomic():
            for _ in range(chance.randint(1, 3)):
                if people and chance.random() < 0.6:
                    user = chance.choice(people)
                    user.first_name = uuid.uuid4().hex
                    user.save()
                else:
                    people.append(get_user_model().objects.create(username=uuid.uuid4().hex))
            if connection.vendor == "postgresql" and chance.random() < 0.2:
                time.sleep(chance.random() * 0.2)  # others overtake it
            if chance.random() < 0.1:
                transaction.set_rollback(True)
                people.clear()


def _relay() -> None:
    from django_jazzauth.store.relay.publisher import run

    run("default", threading.Event(), lambda text: None)


def _judge() -> dict[str, Any]:
    """Compare JetStream with the log."""
    from django_jazzauth.conf import get_settings
    from django_jazzauth.store.models import Event
    from django_jazzauth.store.relay.bus import Bus
    from django_jazzauth.store.relay.wire import EventCarried, read_body

    given = get_settings().RELAY
    received: list[EventCarried] = []
    with Bus(given) as bus:
        after = 0
        while messages := bus.read(given.STREAM, after, 500, 0.5):
            for message in messages:
                carried = read_body(message.body)
                assert isinstance(carried, EventCarried)
                received.append(carried)
            after = messages[-1].sequence
    versions: dict[str, int] = {}
    disorder = 0
    digests = set()
    for event in received:
        if event.digest in digests:
            continue
        digests.add(event.digest)
        if event.version != versions.get(event.stream, 0) + 1:
            disorder += 1
        versions[event.stream] = event.version
    log = {bytes(digest) for digest in Event.objects.values_list("digest", flat=True)}
    return {
        "events": len(log),
        "received": len(received),
        "repeated": len(received) - len(digests),
        "missing": len(log - digests),
        "unknown": len(digests - log),
        "disorder": disorder,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--longest", type=float, default=1.0, help="seconds that a relay lives")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.relay.settings")
    django.setup()
    from django_jazzauth.conf import get_settings
    from django_jazzauth.store.relay.bus import Bus
    from django_jazzauth.store.relay.publisher import create_streams, drain, key_stream

    chance = random.Random(given.seed)
    stream = get_settings().RELAY.STREAM
    with Bus(get_settings().RELAY) as bus:
        create_streams(bus)
    ends = time.monotonic() + given.kills * given.longest
    writers = [
        _forked(lambda seed=given.seed + n: _write(ends, seed)) for n in range(given.writers)
    ]
    kills = 0
    try:
        while kills < given.kills:
            relay = _forked(_relay)
            time.sleep(chance.random() * given.longest)
            os.kill(relay, signal.SIGKILL)
            os.waitpid(relay, 0)
            kills += 1
        failed = [number for number in writers if os.waitpid(number, 0)[1]]
        time.sleep(get_settings().RELAY.LEASE + 0.1)  # the last one did not say that it leaves
        drain("default")
        found = {"kills": kills, "seed": given.seed, "writers_failed": len(failed), **_judge()}
    finally:
        with Bus(get_settings().RELAY) as bus:
            bus.delete_stream(stream)
            bus.delete_stream(key_stream(stream))
    print(json.dumps(found))
    wrong = sum(found[name] for name in ("writers_failed", "missing", "unknown", "disorder"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
