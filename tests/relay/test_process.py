"""The relay as a process: killed, stopped, and left alone by NATS."""

from __future__ import annotations

import json
import signal
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from django_jazzauth.store import store
from django_jazzauth.store.relay.cursor import status

from .nats_server import NatsServer
from .processes import environment, run, start

pytestmark = pytest.mark.django_db(transaction=True)


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not come to that in time"
        time.sleep(0.05)


def test_relays_are_killed_while_others_write(relay_settings: Any) -> None:
    given = {**relay_settings, "LEASE": 0.3, "BATCH": 20, "POLL": 0.02}
    connection.close()
    done = run(environment(given), "tests.soak.relay_kill", "--kills", "8", "--longest", "0.8")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] == 8
    assert found["events"] > 20


def test_nats_goes_and_comes_back(own_server: NatsServer, settings: Any) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"
    given = {
        "URL": own_server.url,
        "STREAM": name,
        "SUBJECT_PREFIX": name,
        "NAME": name,
        "TIMEOUT": 1.0,
        "LEASE": 2.0,
    }
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RELAY": given}
    get_user_model().objects.create(username="first")
    process = start(environment(given), "django", "jazzauth", "relay", "--create-stream")
    try:
        until(lambda: status("default", name).published == 1)
        own_server.stop()
        second = get_user_model().objects.create(username="second")
        time.sleep(1.5)
        assert process.poll() is None
        assert status("default", name).behind == 1
        own_server.start()
        store.wait(second, tier="replicated", timeout=30)
        own_server.stop(signal.SIGKILL)
        third = get_user_model().objects.create(username="third")
        time.sleep(0.5)
        own_server.start()
        store.wait(third, tier="replicated", timeout=30)
        assert status("default", name).behind == 0
        assert status("default", name).led
    finally:
        process.terminate()
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert "RELAY_UNAVAILABLE" in said
    assert said.count("\n") < 12  # it does not repeat itself while nothing changes
    assert not status("default", name).led


def test_the_command_says_where_it_is(relay_settings: Any) -> None:
    get_user_model().objects.create(username="first")
    env = environment(relay_settings)
    never = run(env, "django", "jazzauth", "relay", "--status")
    assert never.returncode == 1
    assert "never ran" in never.stderr
    once = run(env, "django", "jazzauth", "relay", "--once")
    assert once.stdout == "1 events published.\n"
    found = json.loads(run(env, "django", "jazzauth", "relay", "--status", "--json").stdout)
    assert (found["published"], found["behind"], found["led"]) == (1, 0, False)


def test_without_nats_it_says_so(settings: Any) -> None:
    given = {"URL": "nats://127.0.0.1:9", "TIMEOUT": 0.5}
    done = run(environment(given), "django", "jazzauth", "relay", "--once")
    assert done.returncode == 1
    assert "RELAY_UNAVAILABLE" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
