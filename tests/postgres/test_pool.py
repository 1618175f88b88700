"""Connections from Django's pool: every request gets another one, and nothing of ours minds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections, transaction

from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.rotation import rotate
from django_jazzauth.store import store
from tests.testapp.models import Patient

from .threads import in_threads

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "pooled"])

POOLED = "pooled"
_SIZE = 3
_THREADS = 12


@pytest.fixture(scope="module", autouse=True)
def _pool(django_db_setup: None) -> Iterator[None]:
    """The test database once more, through a pool."""
    options = {"pool": {"min_size": 1, "max_size": _SIZE, "timeout": 30}}
    again = {"OPTIONS": options, "CONN_MAX_AGE": 0, "TEST": {"MIRROR": "default"}}
    known = connections.configure_settings(
        {"default": {}, POOLED: connections["default"].settings_dict | again}
    )
    connections.databases[POOLED] = known[POOLED]
    yield
    connections[POOLED].close()
    connections[POOLED].close_pool()
    del connections[POOLED]
    del connections.databases[POOLED]


@pytest.fixture(autouse=True)
def _given_back(transactional_db: None) -> Iterator[None]:
    keyring(POOLED).forget()  # the flush before told the other alias only
    yield
    connections[POOLED].close()


def _ask(sql: str) -> Any:
    with connections[POOLED].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def test_many_threads_share_few_connections() -> None:
    Patient.objects.using(POOLED).create(record_no="first")
    connections[POOLED].close()
    seen: set[int] = set()
    prepared: list[int] = []
    lock = threading.Lock()

    def requests(number: int) -> None:
        for turn in range(4):
            patient = Patient.objects.using(POOLED).create(record_no=f"{number}.{turn}")
            patient.name = "saved"
            patient.save()
            found = Patient.objects.using(POOLED).get(record_no=f"{number}.{turn}")
            assert found.name == "saved"
            with lock:
                seen.add(_ask("SELECT pg_backend_pid()"))
                prepared.append(_ask("SELECT count(*) FROM pg_prepared_statements"))
            connections[POOLED].close()  # the end of a request gives it back

    assert in_threads(POOLED, requests, _THREADS) == []
    assert 1 <= len(seen) <= _SIZE
    # Statements stay prepared while their connection goes from hand to hand.
    assert max(prepared) >= 3
    assert Patient.objects.count() == 1 + _THREADS * 4
    assert store.verify().ok


def test_a_rollback_and_a_rotation_reach_whoever_comes_next() -> None:
    def write(number: int) -> None:
        Patient.objects.using(POOLED).create(record_no=str(number))
        with pytest.raises(RuntimeError), transaction.atomic(using=POOLED):
            # A data key that is gone when the connection is given back.
            Patient.objects.using(POOLED).create(record_no=f"gone {number}")
            raise RuntimeError
        connections[POOLED].close()
        Patient.objects.using(POOLED).filter(record_no=str(number)).update(name="again")

    assert in_threads(POOLED, write, 4) == []
    rotate("default")  # as another process would
    assert in_threads(POOLED, lambda number: write(number + 10), 4) == []
    assert Patient.objects.using(POOLED).filter(name="again").count() == 8
    connections[POOLED].close()
    report = store.verify(using=POOLED, processes=2)
    assert report.ok, report.problems
    assert report.streams == 8


def test_a_pooler_that_keeps_no_statements_gets_none_to_keep() -> None:
    connection = connections[POOLED]
    connection.close_pool()
    connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = True
    Patient.objects.using(POOLED).create(record_no="first")
    for turn in range(20):
        assert Patient.objects.using(POOLED).get(record_no="first").pk
        Patient.objects.using(POOLED).filter(record_no="first").update(visits=turn)
    assert _ask("SELECT count(*) FROM pg_prepared_statements") == 0
