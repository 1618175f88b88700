from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection, connections
from django.test import override_settings

from django_jazzauth.conf import get_settings
from django_jazzauth.errors import RelayUnavailable
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.store.relay.bus import Bus
from django_jazzauth.store.relay.publisher import create_streams, key_stream

from .nats_server import SHARED, NatsServer, answers, binary

WAY = os.environ.get("JAZZAUTH_TEST_NATS", SHARED)


@pytest.fixture
def relay_settings() -> Iterator[dict[str, Any]]:
    """Streams with names of their own on the server that is there; removed afterwards."""
    if not answers(int(WAY.rpartition(":")[2])):
        pytest.skip(f"NATS: nothing answers on {WAY}")
    name = f"test-{uuid.uuid4().hex[:12]}"
    given = {"URL": WAY, "STREAM": name, "SUBJECT_PREFIX": name, "NAME": name, "LEASE": 1.0}
    with override_settings(JAZZAUTH={**django_settings.JAZZAUTH, "RELAY": given}):
        with Bus(get_settings().RELAY) as bus:
            _create(bus)
        yield given
        with Bus(get_settings().RELAY) as bus:
            bus.delete_stream(name)
            bus.delete_stream(key_stream(name))


def _create(bus: Bus) -> None:
    # The server removes its directory of streams with the last of them, and fails to make one that
    # another process asks for in that moment ("error creating store for stream").
    for left in (4, 3, 2, 1, 0):
        try:
            create_streams(bus)
            return
        except RelayUnavailable as error:
            if not left or "creating store" not in str(error):
                raise


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[NatsServer]:
    """A server that the test may stop."""
    if binary() is None:
        pytest.skip("NATS: there is no nats-server to start")
    server = NatsServer(tmp_path / "nats")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def copy_database(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any
) -> Iterator[str]:
    """A second database of the same kind, migrated."""
    with django_db_blocker.unblock():
        name = f"copy_{uuid.uuid4().hex[:8]}"
        if connection.vendor == "sqlite":
            name = str(tmp_path_factory.mktemp("copy") / "copy.sqlite3")
        else:
            _sql(f"CREATE DATABASE {name}")
        with _known(name) as alias:
            call_command("migrate", verbosity=0, database=alias)
    yield name
    if connection.vendor != "sqlite":
        with django_db_blocker.unblock():
            _sql(f"DROP DATABASE {name}")


@pytest.fixture
def copy(transactional_db: None, copy_database: str) -> Iterator[str]:
    """Its alias; it is empty."""
    with _known(copy_database) as alias:
        call_command("flush", verbosity=0, interactive=False, database=alias)
        keyring(alias).forget()
        yield alias


@contextmanager
def _known(name: str) -> Iterator[str]:
    connections.databases["copy"] = {**connection.settings_dict, "NAME": name}
    try:
        connections["copy"].connect()  # which is what Django's tests would refuse to do later
        yield "copy"
    finally:
        connections["copy"].close()
        if connection.vendor == "postgresql":
            connections["copy"].close_pool()  # if there is one
        del connections["copy"]
        del connections.databases["copy"]


def _sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
