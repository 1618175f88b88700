"""Checkpoints: what they cover, in which order, and that the order stays."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from django_jazzauth.crypto.digest import leaf_data
from django_jazzauth.crypto.merkle import EMPTY_ROOT, leaf_hash, tree_root
from django_jazzauth.crypto.notes import VerifierKey, read_checkpoint, verified_checkpoint
from django_jazzauth.errors import SealBroken, StoreError
from django_jazzauth.store import leaves
from django_jazzauth.store.checkpoints import leaves_of, take, verifier_key
from django_jazzauth.store.leaves import open_batch
from django_jazzauth.store.models import Checkpoint, Event
from tests.testapp.models import Patient

pytestmark = pytest.mark.django_db


def users(count: int, prefix: str = "u") -> list[Any]:
    return [get_user_model().objects.create(username=f"{prefix}{n}") for n in range(count)]


def sql(statement: str, *params: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def expected_root(events: Any) -> bytes:
    return tree_root(
        leaf_hash(leaf_data(event.position, event.txid, bytes(event.digest))) for event in events
    )


def all_leaves() -> list[bytes | None]:
    rows = list(Checkpoint.objects.order_by("first"))
    return [leaf.hash for leaf in leaves_of("default", rows)]


def test_of_an_empty_log() -> None:
    taken = take()
    assert (taken.size, taken.new) == (0, 0)
    assert read_checkpoint(taken.note).root == EMPTY_ROOT
    assert not Checkpoint.objects.exists()


def test_it_covers_every_event() -> None:
    users(7)
    taken = take()
    body = verified_checkpoint(taken.note, [VerifierKey.from_text(verifier_key().to_text())])
    assert (taken.size, taken.new, body.size) == (7, 7, 7)
    assert body.root == expected_root(Event.objects.order_by("position"))
    assert body.origin.startswith("localhost/jazzauth-")


def test_nothing_new_gives_the_same_again() -> None:
    users(3)
    assert take().note == take().note
    assert Checkpoint.objects.count() == 1


def test_trees_grow() -> None:
    users(3)
    first = take()
    users(4, "v")
    second = take()
    assert (second.size, second.new) == (7, 4)
    hashes = all_leaves()
    assert tree_root(hashes[:3]) == read_checkpoint(first.note).root
    assert tree_root(hashes) == read_checkpoint(second.note).root


def test_an_event_that_commits_late_is_in_the_next_one() -> None:
    """With a position below what is covered: what PostgreSQL's sequences lead to."""
    users(6)
    late = Event.objects.order_by("position")[2]
    # As if its transaction were still open: nobody sees it.
    sql("UPDATE jazzauth_event SET position = 1000000 WHERE position = %s", late.position)
    with_gap = Event.objects.exclude(position=1000000)
    original = leaves.rows_between

    def without_late(alias: str, first: int, last: int) -> Any:
        return original(alias, first, min(last, 999_999))

    leaves.rows_between = without_late
    try:
        first = take()
    finally:
        leaves.rows_between = original
    assert first.size == 5
    root = expected_root(with_gap.order_by("position"))
    assert read_checkpoint(first.note).root == root
    sql("UPDATE jazzauth_event SET position = %s WHERE position = 1000000", late.position)
    second = take()
    assert (second.size, second.new) == (6, 1)
    hashes = all_leaves()
    assert tree_root(hashes[:5]) == root  # nothing was inserted before what is covered
    assert tree_root(hashes) == read_checkpoint(second.note).root
    users(1, "more")
    assert take().new == 1
    batch = open_batch("default", Checkpoint.objects.order_by("-first")[0])
    assert not any(first <= late.position <= last for first, last, _ in batch.gaps)


def test_gaps_are_watched_for_a_day_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def gaps() -> list[tuple[int, int]]:
        newest = Checkpoint.objects.order_by("-first")[0]
        return [(first, last) for first, last, _ in open_batch("default", newest).gaps]

    def newest_moves_to(position: int) -> None:
        newest = Event.objects.order_by("-recorded_at", "-position")[0].position
        sql("UPDATE jazzauth_event SET position = %s WHERE position = %s", position, newest)

    start = users(1) and Event.objects.get().position
    take()
    users(1, "a")
    newest_moves_to(start + 5000)
    take()
    assert (start + 1, start + 4999) in gaps()
    users(1, "b")
    newest_moves_to(start + 6000)
    take()
    assert (start + 1, start + 4999) in gaps()
    monkeypatch.setattr(leaves, "GAP_SECONDS", 0)
    users(1, "c")
    newest_moves_to(start + 7000)
    take()
    assert gaps() == [(start + 6001, start + 6999)]


@pytest.mark.django_db(transaction=True)
def test_no_checkpoint_within_a_transaction() -> None:
    users(1)
    with transaction.atomic(), pytest.raises(RuntimeError):
        take()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="positions follow commits elsewhere")
def test_open_transactions_are_not_covered() -> None:
    users(2)
    began, go_on = threading.Event(), threading.Event()

    def writer() -> None:
        try:
            with transaction.atomic():
                users(1, "late")
                began.set()
                go_on.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=writer)
    thread.start()
    assert began.wait(30)
    users(2, "early")
    first = take()
    go_on.set()
    thread.join()
    second = take()
    assert (first.size, second.size, second.new) == (4, 5, 1)
    positions = [
        position
        for row in Checkpoint.objects.order_by("first")
        for start, end in open_batch("default", row).runs
        for position in range(start, end + 1)
    ]
    assert positions[-1] < positions[-2]
    assert tree_root(all_leaves()) == read_checkpoint(second.note).root


def test_stored_checkpoints_are_sealed() -> None:
    users(3)
    take()
    users(1, "x")
    for statement in (
        "UPDATE jazzauth_checkpoint SET size = size + 1",
        "UPDATE jazzauth_checkpoint SET note = 'x'",
        "UPDATE jazzauth_checkpoint SET first = first + 1",
        "UPDATE jazzauth_checkpoint_key SET origin = 'other'",
    ):
        savepoint = transaction.savepoint()
        sql(statement)
        with pytest.raises(SealBroken):
            take()
        transaction.savepoint_rollback(savepoint)
    assert take().new == 1


def test_an_event_that_fits_no_tree() -> None:
    users(2)
    sql("UPDATE jazzauth_event SET txid = -1")
    with pytest.raises(StoreError, match="verify"):
        take()


@pytest.mark.parametrize("seed", range(5))
def test_only_what_lies_in_the_gaps_is_found_there(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(leaves, "_CLOSE", 3)
    monkeypatch.setattr(leaves, "_CONDITIONS", 2)
    monkeypatch.setattr(leaves, "_PAGE", 20)
    Patient.objects.bulk_create(Patient(record_no=str(number)) for number in range(120))
    there = sorted(Event.objects.values_list("position", flat=True))
    rng = random.Random(seed)
    gaps, position = [], there[0] - 5
    while position < there[-1] + 5:
        first = position + rng.choice((2, 2, 3, 9, 30))
        position = first + rng.choice((0, 0, 1, 6, 25))
        gaps.append((first, position))
    inside = {place for first, last in gaps for place in range(first, last + 1)}
    found = [place for place, _, _ in leaves._in_gaps("default", gaps)]
    assert found == [place for place in there if place in inside]
    assert list(leaves._in_gaps("default", [])) == []
