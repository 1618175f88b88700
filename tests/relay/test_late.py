"""PostgreSQL: what commits late is published too, and nothing waits for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from django_jazzauth.errors import NotReplicated
from django_jazzauth.store import store
from django_jazzauth.store.models import Event
from django_jazzauth.store.relay.follower import catch_up
from django_jazzauth.store.relay.publisher import drain
from django_jazzauth.store.relay.tail import Place, Tail

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        "connection.vendor != 'postgresql'", reason="elsewhere writers wait for each other"
    ),
]


class Late:
    """A transaction in a thread: it has taken its positions, and commits when told to."""

    def __init__(self, *names: str, fails: bool = False) -> None:
        self._names, self._fails = names, fails
        self._may = threading.Event()
        self._wrote = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._wrote.wait(20)

    def _run(self) -> None:
        try:
            with transaction.atomic():
                for name in self._names:
                    get_user_model().objects.create(username=name)
                self._wrote.set()
                self._may.wait(20)
                transaction.set_rollback(self._fails)
        finally:
            connection.close()

    def end(self) -> None:
        self._may.set()
        self._thread.join(20)


@contextmanager
def late(*names: str, fails: bool = False) -> Iterator[Late]:
    other = Late(*names, fails=fails)
    try:
        yield other
    finally:
        other.end()


def people(*names: str) -> list[Any]:
    return [get_user_model().objects.create(username=name) for name in names]


def all_of(tail: Tail) -> list[int]:
    found = []
    while True:
        events, place = tail.read(3)
        found += [event.position for event in events]
        tail.reached(place)
        if not events:
            return found


def positions() -> list[int]:
    return list(Event.objects.order_by("position").values_list("position", flat=True))


def test_begun_first_and_committed_last() -> None:
    people("first")
    tail = Tail("default", Place())
    with late("slow", "slower") as other:
        people("a", "b")
        seen = all_of(tail)
        assert len(seen) == 3
        assert all_of(tail) == []
        first, last = tail.place.gaps[-1]
        assert last - first == 1
        people("c")
        seen += all_of(tail)
        other.end()
        seen += all_of(tail)
    assert sorted(seen) == positions()
    assert len(seen) == len(set(seen)) == 6
    assert tail.place.gaps == []


def test_a_gap_that_nobody_fills_is_closed() -> None:
    people("first")
    tail = Tail("default", Place())
    with late("slow", fails=True) as other:
        people("a")
        all_of(tail)
        other.end()
    assert all_of(tail) == []
    assert tail.place.gaps == []


def test_a_gap_stays_open_over_a_restart() -> None:
    people("first")
    tail = Tail("default", Place())
    with late("slow") as other:
        people("a")
        seen = all_of(tail)
        again = Tail("default", tail.place.copy())
        assert all_of(again) == []
        other.end()
        seen += all_of(again)
    assert sorted(seen) == positions()


def test_two_that_end_differently() -> None:
    people("first")
    tail = Tail("default", Place())
    with late("one") as one, late("two", fails=True) as two:
        people("a")
        seen = all_of(tail)
        two.end()
        seen += all_of(tail)
        assert len(tail.place.gaps) >= 1
        people("b")
        seen += all_of(tail)
        one.end()
        seen += all_of(tail)
    assert sorted(seen) == positions()
    assert tail.place.gaps == []


def test_what_follows_a_late_event_comes_after_it() -> None:
    """The second version of a stream has the lower transaction id, and still comes second."""
    user = people("first")[0]
    tail = Tail("default", Place())
    all_of(tail)
    begun, may = threading.Event(), threading.Event()

    def second() -> None:
        try:
            with transaction.atomic():
                get_user_model().objects.create(username="takes a transaction id")
                begun.set()
                may.wait(20)
                other = get_user_model().objects.get(pk=user.pk)
                other.last_name = "second"
                other.save()
        finally:
            connection.close()

    thread = threading.Thread(target=second)
    thread.start()
    begun.wait(20)
    user.first_name = "first"
    user.save()
    may.set()
    thread.join(20)
    events, _ = tail.read(10)
    versions = [event.version for event in events if event.stream == f"user/{user.pk}"]
    assert versions == [2, 3]
    by_version = {event.version: event for event in events if event.version > 1}
    assert by_version[3].txid < by_version[2].txid


def test_through_nats_to_a_copy(relay_settings: Any, copy: str) -> None:
    people("first")
    with late("slow", "slower") as other:
        people("a")
        drain("default")
        catch_up(copy)
        assert Event.objects.using(copy).count() == 2
        other.end()
    drain("default")
    catch_up(copy)
    mine = list(Event.objects.order_by("position").values_list("position", "digest"))
    theirs = list(Event.objects.using(copy).order_by("position").values_list("position", "digest"))
    assert [(p, bytes(d)) for p, d in theirs] == [(p, bytes(d)) for p, d in mine]
    assert len(mine) == 4


def test_waiting_for_an_event_in_a_gap(relay_settings: Any) -> None:
    people("first")
    with late("slow") as other:
        people("a")
        drain("default")
        store.wait(tier="replicated", timeout=1)
        other.end()
    slow = get_user_model().objects.get(username="slow")
    with pytest.raises(NotReplicated):
        store.wait(slow, tier="replicated", timeout=0.05)
    with pytest.raises(NotReplicated):
        store.wait(tier="replicated", timeout=0.05)
    drain("default")
    store.wait(slow, tier="replicated", timeout=1)
