"""Trouble with the database, the clock and the secret: each has one defined, coded outcome."""

from __future__ import annotations

import secrets
import threading
import uuid
from typing import Any

import pytest
from django.contrib.sessions.backends.base import SessionBase
from django.db import OperationalError, connection, transaction
from django.test import override_settings

from django_jazzauth.errors import JazzAuthError, ValueNotStorable, WrongWorkerSecret
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.sessions import SessionStore
from django_jazzauth.store import acting, journal, store
from django_jazzauth.store.models import Event
from tests.testapp.models import Patient

ON_DISK = pytest.mark.django_db(transaction=True)


def make(**values: Any) -> Patient:
    return Patient.objects.create(record_no=uuid.uuid4().hex[:12], **values)


@pytest.mark.django_db
def test_another_workers_secret_opens_nothing_and_says_whose_it_is(settings: Any) -> None:
    made = make(name="x")
    other = WorkerSecret.generate()
    changed = {**settings.JAZZAUTH, "WORKER_SECRET": other.to_text()}
    with override_settings(JAZZAUTH=changed):
        for use in (
            lambda: Patient.objects.get(pk=made.pk),
            lambda: list(Patient.objects.all()),
            lambda: Patient.objects.filter(record_no=made.record_no).exists(),
            lambda: make(),
            lambda: Patient.objects.filter(pk=made.pk).update(name="y"),
            lambda: made.delete(),
            lambda: store.history(Patient, pk=made.pk),
            store.rebuild,
            store.verify,
        ):
            with pytest.raises(WrongWorkerSecret) as caught, transaction.atomic():
                use()
            assert caught.value.code == "WRONG_WORKER_SECRET"
            assert caught.value.worker_id == other.worker_id
            assert other.worker_id in str(caught.value)
            assert other.to_text() not in str(caught.value)
    assert Patient.objects.get(pk=made.pk).name == "x"
    assert store.verify().ok


@pytest.mark.django_db
def test_an_unknown_setting(settings: Any) -> None:
    with override_settings(JAZZAUTH={**settings.JAZZAUTH, "SCAN_LIMITS": 1}):
        with pytest.raises(JazzAuthError) as caught, transaction.atomic():
            make()
        assert caught.value.code == "IMPROPER_SETTINGS"
        assert "SCAN_LIMIT" in str(caught.value)
    assert not Patient.objects.exists()


@pytest.mark.django_db
def test_a_clock_that_jumps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(name="first")
    start = store.history(made)[0].recorded_at
    monkeypatch.setattr(journal.time, "time_ns", lambda: 1_000_000_000)
    made.name = "second"
    made.save()
    pk = made.pk
    made.delete()
    back = store.restore(Patient, pk)
    assert back.name == "second"
    times = [event.recorded_at for event in store.history(back)]
    assert times == [start] * 4
    assert store.as_of(back, start).name == "second"
    assert store.verify().ok


@pytest.mark.django_db
def test_ten_megabytes_of_session_data() -> None:
    session: SessionBase = SessionStore()
    session["blob"] = secrets.token_hex(5_000_000)
    with pytest.raises(ValueNotStorable) as caught, transaction.atomic():
        session.create()
    assert caught.value.code == "VALUE_NOT_STORABLE"
    assert "MAX_STATE_BYTES" in str(caught.value)
    assert session["blob"][:20] not in str(caught.value)
    session["blob"] = blob = secrets.token_hex(500_000)
    session.create()
    assert SessionStore(session.session_key)["blob"] == blob


@pytest.mark.django_db
def test_causes_are_kept_and_nest() -> None:
    with acting(actor="u1", via="admin"), acting(via="command"):
        made = make()
    (event,) = store.history(made)
    assert event.actor == "u1"
    assert event.cause == {"actor": "u1", "via": "command"}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's limit on pages")
@ON_DISK
def test_a_full_disk() -> None:
    made = make(name="before")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # other tests leave free pages
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        try:
            made.notes = "x" * 500_000
            with pytest.raises(OperationalError, match="full"):
                made.save()
            with pytest.raises(OperationalError, match="full"):
                for _ in range(500):
                    make(notes="y" * 5_000)
        finally:
            cursor.execute("PRAGMA max_page_count = 1073741823")
    assert Patient.objects.get(pk=made.pk).notes == ""
    assert store.verify().ok
    made.save()
    assert Patient.objects.get(pk=made.pk).notes == "x" * 500_000
    assert store.verify().ok


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's file lock")
@ON_DISK
def test_a_locked_database() -> None:
    import sqlite3

    made = make(name="before")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    holder = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        made.name = "after"
        with pytest.raises(OperationalError, match="locked"):
            made.save()
        holder.execute("ROLLBACK")
        made.save()
    finally:
        holder.close()
        connection.close()
    assert Patient.objects.get(pk=made.pk).name == "after"
    assert store.verify().ok


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's backends")
@ON_DISK
def test_a_backend_that_is_killed_in_the_middle_of_a_transaction() -> None:
    import psycopg

    made = make(name="before", notes="n")
    made.name = "after"
    options = connection.get_connection_params()
    with psycopg.connect(
        host=options["host"], user=options["user"], dbname=options["dbname"], autocommit=True
    ) as killer:
        with pytest.raises(OperationalError), transaction.atomic():
            made.save()
            pid = connection.connection.info.backend_pid
            killer.execute("SELECT pg_terminate_backend(%s)", [pid])
            Patient.objects.create(record_no="lost")
        connection.close()
    assert Patient.objects.get(pk=made.pk).name == "before"
    assert store.verify().ok
    made.save()
    assert Patient.objects.get(pk=made.pk).name == "after"
    assert not Patient.objects.filter(record_no="lost").exists()


@ON_DISK
def test_two_threads_race_on_one_entity() -> None:
    made = make(name="start")
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(15):
                patient = Patient.objects.get(pk=made.pk)
                if number:
                    patient.name = f"{turn}"
                else:
                    patient.notes = f"{turn}"
                patient.save()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    fresh = Patient.objects.get(pk=made.pk)
    assert (fresh.name, fresh.notes, fresh.sealed_version) == ("14", "14", 31)
    assert store.verify().ok


@ON_DISK
def test_without_autocommit() -> None:
    made = make(name="a")
    transaction.set_autocommit(False)
    try:
        made.name = "b"
        made.save()
        transaction.rollback()
        made.notes = "c"
        made.save()
        transaction.commit()
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
    fresh = Patient.objects.get(pk=made.pk)
    assert (fresh.name, fresh.notes) == ("b", "c")
    assert store.verify().ok


@ON_DISK
def test_events_of_a_rolled_back_transaction_leave_nothing() -> None:
    before = Event.objects.count()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        make()
        raise ZeroDivisionError
    assert Event.objects.count() == before
    assert store.verify().ok
