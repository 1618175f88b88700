"""Requests go one at a time, and nobody waits for long for somebody who does not compute."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client, override_settings

from django_jazzauth import turnstile
from django_jazzauth.api.views.status import OkView
from django_jazzauth.hashing_pool import HashingPool
from django_jazzauth.turnstile import PATIENCE, Turnstile, in_turn, stepping_aside


@pytest.fixture(autouse=True)
def on() -> Iterator[None]:
    with override_settings(JAZZAUTH=_with(True)):
        yield
    assert not turnstile._turnstile._lock.locked()


def _with(value: bool | None) -> dict[str, object]:
    return {**settings.JAZZAUTH, "REQUESTS_IN_TURN": value}


def _in_thread(*works: object) -> list[threading.Thread]:
    threads = [threading.Thread(target=work) for work in works]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    return threads


def test_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turnstile, "PATIENCE", 60)
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(200):
            with in_turn():
                inside += 1
                most = max(most, inside)
                time.sleep(0)  # lets go of the interpreter, as a statement of SQLite does
                inside -= 1

    for thread in _in_thread(*[work] * 4):
        thread.join()
    assert most == 1


def test_who_is_inside_for_long_does_not_keep_others_out() -> None:
    go_on, entered = threading.Event(), threading.Event()

    def slow() -> None:
        with in_turn():
            entered.set()
            go_on.wait(10)

    (thread,) = _in_thread(slow)
    entered.wait(10)
    started = time.monotonic()
    with in_turn():
        waited = time.monotonic() - started
        with in_turn():  # inside of it nothing happens
            pass
    assert waited >= PATIENCE * 0.9
    with in_turn():  # the turn was taken from them: nobody waits for them again
        assert turnstile._turnstile._lock.locked()
    go_on.set()
    thread.join()


def test_who_waits_for_a_hash_steps_aside() -> None:
    pool = HashingPool(1, 1)
    begun, may_end, entered = threading.Event(), threading.Event(), threading.Event()

    def hashes() -> bool:
        begun.set()
        return may_end.wait(10)

    def sign_in() -> None:
        with in_turn():
            pool.run(hashes)
            entered.wait(10)

    (thread,) = _in_thread(sign_in)
    begun.wait(10)
    deadline = time.monotonic() + 10
    while turnstile._turnstile._lock.locked() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert not turnstile._turnstile._lock.locked()
    with in_turn():
        entered.set()
        may_end.set()
    thread.join()
    pool.close()


def test_stepping_aside_outside_does_nothing() -> None:
    with stepping_aside():
        assert not turnstile._turnstile.is_inside()


def test_an_error_leaves_too() -> None:
    with pytest.raises(ZeroDivisionError), in_turn():
        raise ZeroDivisionError
    assert not turnstile._turnstile.is_inside()


def test_a_child_process_begins_anew() -> None:
    with in_turn():
        turnstile._start_anew()
        with in_turn():
            pass


def test_hands_change_in_any_order() -> None:
    """Threads that hold the turn for longer and shorter than others have patience."""
    stile = Turnstile()
    wrong: list[BaseException] = []
    chance = random.Random(7)
    pauses = [[chance.choice((0, 0, 0, 0.001, 0.019, 0.021)) for _ in range(60)] for _ in range(6)]

    def work(own: list[float]) -> None:
        try:
            for pause in own:
                stile.go_in()
                time.sleep(pause)
                stile.go_out()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(own,)) for own in pauses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not stile._lock.locked()


@pytest.mark.parametrize(
    ("wanted", "vendor", "on"),
    [
        (None, "sqlite", True),
        (None, "mysql", False),
        (False, "sqlite", False),
        (True, "postgresql", True),
    ],
)
def test_when_it_is_on(
    wanted: bool | None, vendor: str, on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections["default"], "vendor", vendor)
    with override_settings(JAZZAUTH=_with(wanted)), in_turn():
        assert turnstile._turnstile.is_inside() is on


@pytest.mark.django_db
@override_settings(ALLOWED_HOSTS=["testserver"])
def test_requests_of_the_api_are_answered_inside(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def get(self: OkView, request: Any) -> Any:
        seen.append(turnstile._turnstile.is_inside())
        return original(self, request)

    original = OkView.get
    monkeypatch.setattr(OkView, "get", get)
    assert client.get("/api/auth/ok").status_code == 200
    assert seen == [True]


def test_hands_change_while_threads_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that is just being taken must not be given back by somebody else."""
    monkeypatch.setattr(turnstile, "PATIENCE", 0.0005)
    stile = Turnstile()
    wrong: list[BaseException] = []
    held = threading.Lock()

    def work() -> None:
        try:
            for number in range(300):
                stile.go_in()
                sum(range(2000 if number % 7 else 40_000))
                with held:  # lets go of the interpreter
                    pass
                stile.go_out()
        except BaseException as error:
            wrong.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    try:
        for thread in _in_thread(*[work] * 8):
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong
    assert not stile._lock.locked()
