"""PostgreSQL: whoever changes a row takes its lock before the event's, as a deletion does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from django_jazzauth.store import store
from tests.testapp.models import Patient

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="others have one writer"),
]


def until_somebody_waits() -> None:
    for _ in range(400):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks "
                "WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits")


class Meanwhile:
    """Another writer, in a thread of its own."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self._failed: Exception | None = None

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self._failed = error
        finally:
            connection.close()

    def starts_and_waits(self) -> None:
        """Returns when the writer waits for a lock that this connection holds."""
        self._thread.start()
        until_somebody_waits()

    def ends(self) -> Exception | None:
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self._failed


def save(patient: Patient) -> Callable[[], Any]:
    mine = Patient.objects.get(pk=patient.pk)
    mine.name = "saved meanwhile"
    return mine.save


def update_many(patient: Patient) -> Callable[[], Any]:
    return lambda: Patient.objects.all().update(name="saved meanwhile")


WRITERS = [save, update_many]


@pytest.fixture
def patient() -> Patient:
    Patient.objects.create(record_no="2", name="another")
    return Patient.objects.create(record_no="1", name="new")


@pytest.mark.parametrize("writer", WRITERS)
def test_a_writer_waits_for_who_selected_the_row_for_update(writer: Any, patient: Patient) -> None:
    other = Meanwhile(writer(patient))
    with transaction.atomic():
        held = Patient.objects.select_for_update().get(pk=patient.pk)
        other.starts_and_waits()
        held.notes = "changed under the lock"
        held.save()
    assert other.ends() is None
    patient = Patient.objects.get(pk=patient.pk)
    assert (patient.name, patient.notes) == ("saved meanwhile", "changed under the lock")
    assert store.verify().ok


@pytest.mark.parametrize("writer", WRITERS)
def test_a_writer_waits_for_who_deletes_the_row(writer: Any, patient: Patient) -> None:
    other = Meanwhile(writer(patient))
    with transaction.atomic():
        held = Patient.objects.select_for_update().get(pk=patient.pk)
        other.starts_and_waits()
        held.delete()
    assert other.ends() is None
    assert store.verify().ok
