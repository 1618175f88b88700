"""Single-use values and used proofs, also when several try at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from django_jazzauth.models import UsedProof, Verification

HOUR = timedelta(hours=1)


def test_a_verification_is_used_once() -> None:
    Verification.objects.issue("reset:abc", "user-1", lifetime=HOUR)
    assert Verification.objects.consume("reset:other") is None
    assert Verification.objects.consume("reset:abc") == "user-1"
    assert Verification.objects.consume("reset:abc") is None
    assert not Verification.objects.exists()


def test_the_newest_of_several_counts() -> None:
    Verification.objects.issue("code:a", "1", lifetime=HOUR)
    Verification.objects.issue("code:a", "2", lifetime=HOUR)
    assert Verification.objects.consume("code:a") == "2"
    assert Verification.objects.consume("code:a") == "1"


def test_what_has_run_out_is_worth_nothing() -> None:
    Verification.objects.issue("code:a", "1", lifetime=timedelta(seconds=-1))
    assert Verification.objects.consume("code:a") is None
    Verification.objects.issue("code:b", "1", lifetime=timedelta(seconds=-1))
    Verification.objects.issue("code:c", "1", lifetime=HOUR)
    assert Verification.objects.clear_expired() == 1
    assert Verification.objects.get().identifier == "code:c"


def test_a_proof_is_used_once() -> None:
    ends = timezone.now() + HOUR
    assert UsedProof.objects.use("proof-1", expires_at=ends)
    assert not UsedProof.objects.use("proof-1", expires_at=ends)
    assert UsedProof.objects.use("proof-2", expires_at=ends)
    assert "proof" not in UsedProof.objects.first().digest  # type: ignore[union-attr]


def test_a_failed_sign_up_gives_the_proof_back() -> None:
    ends = timezone.now() + HOUR
    with pytest.raises(RuntimeError), transaction.atomic():
        assert UsedProof.objects.use("proof-1", expires_at=ends)
        raise RuntimeError
    assert UsedProof.objects.use("proof-1", expires_at=ends)


def test_proofs_that_ended_are_forgotten() -> None:
    UsedProof.objects.use("old", expires_at=timezone.now() - HOUR)
    UsedProof.objects.use("new", expires_at=timezone.now() + HOUR)
    assert UsedProof.objects.clear_expired() == 1
    assert UsedProof.objects.count() == 1


def _at_once(count: int, work: Any) -> list[Any]:
    def run(index: int) -> Any:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.django_db(transaction=True)
def test_of_several_at_once_one_wins() -> None:
    if connection.vendor == "sqlite" and connection.is_in_memory_db():  # type: ignore[attr-defined]
        pytest.skip("threads share the one connection of an in-memory database")
    ends = timezone.now() + HOUR
    for round_number in range(5):
        Verification.objects.issue(f"code:{round_number}", "1", lifetime=HOUR)
        won = _at_once(4, lambda n=round_number: Verification.objects.consume(f"code:{n}"))
        assert sorted(won, key=str) == ["1", None, None, None]
        used = _at_once(4, lambda n=round_number: UsedProof.objects.use(str(n), expires_at=ends))
        assert sorted(used) == [False, False, False, True]
