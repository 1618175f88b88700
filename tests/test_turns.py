"""Threads take turns at writing to a SQLite database, and never wait for one that is gone."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import ProgrammingError, connection, connections, transaction

from django_jazzauth import turns
from django_jazzauth.store.event_sql import hold_writer_lock
from tests.testapp.models import Ward

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="is about SQLite"),
]


def has_turn() -> bool:
    return "jazzauth_turn" in connections["default"].__dict__


def is_free() -> bool:
    lock = turns._locks[str(connection.settings_dict["NAME"])]
    if lock.acquire(blocking=False):
        lock.release()
        return True
    return False


def in_a_thread(work: Callable[[], Any], *, close: bool = True) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)
        finally:
            if close:
                connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    if failed:
        raise failed[0]


def test_a_turn_lasts_as_long_as_the_transaction() -> None:
    with transaction.atomic():
        hold_writer_lock(connections["default"])
        assert has_turn() and not is_free()
    assert not has_turn() and is_free()
    with pytest.raises(RuntimeError), transaction.atomic():
        hold_writer_lock(connections["default"])
        raise RuntimeError
    assert not has_turn() and is_free()


def test_a_connection_that_is_closed_gives_its_turn_back() -> None:
    with pytest.raises(ProgrammingError), transaction.atomic():
        assert has_turn()
        connection.close()
        assert is_free()
        Ward.objects.count()
    assert is_free()


def test_a_thread_that_ends_in_its_turn_keeps_nobody_waiting() -> None:
    def begin() -> None:
        transaction.atomic().__enter__()
        assert not is_free()

    in_a_thread(begin, close=False)
    gc.collect()
    assert is_free()


def test_who_waited_in_vain_leaves_it_to_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.01)
    turns.take_turn(connections["default"])  # without a transaction: SQLite itself is free
    try:
        in_a_thread(lambda: Ward.objects.create(name="not waited for"))
    finally:
        connection.close()
    assert Ward.objects.get().name == "not waited for"


def test_who_waited_in_vain_does_so_once_in_a_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    # It holds SQLite's lock from then on, and whoever has the turn waits for that.
    waits: list[float] = []

    class Taken:
        def acquire(self, timeout: float) -> bool:
            waits.append(timeout)
            return False

    monkeypatch.setitem(turns._locks, str(connection.settings_dict["NAME"]), Taken())
    connection.ensure_connection()
    monkeypatch.setattr(connections["default"], "transaction_mode", None)
    for round_ in range(2):
        with transaction.atomic():
            for number in range(3):
                Ward.objects.create(name=f"{round_} {number}")
    assert waits == [turns.PATIENCE] * 2


def test_a_child_process_does_not_wait_for_threads_that_it_does_not_have() -> None:
    connection.close()
    lock = turns._locks[str(connection.settings_dict["NAME"])]
    with lock:
        child = os.fork()
        if not child:
            os._exit(0 if is_free() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_all_threads_get_their_turn() -> None:
    def write(who: int) -> None:
        for number in range(20):
            Ward.objects.create(name=f"{who} {number}")
        connection.close()

    threads = [threading.Thread(target=write, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Ward.objects.count() == 160
    assert is_free()
