"""``store.wait``: it returns when the write is as safe as asked for, and not before."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from django_jazzauth.errors import NeverExisted, NotDurable, NotReplicated, StoreError
from django_jazzauth.store import store
from django_jazzauth.store.relay.publisher import drain

pytestmark = pytest.mark.django_db(transaction=True)


def person(name: str) -> Any:
    return get_user_model().objects.create(username=name)


def test_replicated_is_when_the_relay_has_the_acknowledgement(relay_settings: Any) -> None:
    first = person("first")
    drain("default")
    store.wait(first, tier="replicated", timeout=1)
    store.wait(store.history(first)[0], tier="replicated", timeout=1)
    store.wait(tier="replicated", timeout=1)
    second = person("second")
    with pytest.raises(NotReplicated, match="position"):
        store.wait(second, tier="replicated", timeout=0.05)
    store.wait(first, tier="replicated", timeout=1)
    drain("default")
    store.wait(second, tier="replicated", timeout=1)


def test_it_waits_for_a_relay_that_is_at_work(relay_settings: Any) -> None:
    user = person("first")
    returned = threading.Event()

    def wait() -> None:
        try:
            store.wait(user, tier="replicated", timeout=20)
            returned.set()
        finally:
            connection.close()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not returned.wait(0.1)
    drain("default")
    thread.join(20)
    assert returned.is_set()


def test_without_a_relay() -> None:
    with pytest.raises(NotReplicated, match="it never ran") as caught:
        store.wait(person("first"), tier="replicated", timeout=0.01)
    assert caught.value.code == "NOT_REPLICATED"


def test_local_flushes_what_was_committed() -> None:
    store.wait(person("first"), tier="local")


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="of SQLite")
def test_local_flushes_the_log_of_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    flushed = []
    real = os.fsync

    def noted(descriptor: int) -> None:
        flushed.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    user = person("first")
    store.wait(user, tier="local")
    assert flushed == [f"{connection.settings_dict['NAME']}-wal"]
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous = FULL")
    try:
        store.wait(user, tier="local")
    finally:
        connection.close()
    assert len(flushed) == 1


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="of PostgreSQL")
def test_local_flushes_the_log_of_postgresql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    try:
        person("first")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_wal_insert_lsn()::text")
            written = cursor.fetchone()[0]
        store.wait(tier="local")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_wal_flush_lsn() >= %s::pg_lsn", [written])
            assert cursor.fetchone()[0]
    finally:
        connection.close()


@pytest.mark.skipif("connection.vendor != 'mysql'", reason="of MariaDB")
def test_local_refuses_a_log_that_is_flushed_later() -> None:
    user = person("first")
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@innodb_flush_log_at_trx_commit")
        before = cursor.fetchone()[0]
        cursor.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 2")
    try:
        with pytest.raises(NotDurable):
            store.wait(user, tier="local")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET GLOBAL innodb_flush_log_at_trx_commit = %s", [before])


def test_not_before_the_commit() -> None:
    with transaction.atomic(), pytest.raises(StoreError, match="Inside a transaction"):
        store.wait(person("first"), tier="local")


def test_of_what_has_no_events() -> None:
    with pytest.raises(NeverExisted):
        store.wait(get_user_model()(username="unsaved"), tier="replicated")


def test_of_no_known_tier() -> None:
    with pytest.raises(ValueError, match="tier"):
        store.wait(person("first"), tier="somewhere")  # type: ignore[arg-type]
