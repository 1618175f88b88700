"""Writers and readers beside a re-indexing."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from django_jazzauth.errors import ReindexRefused
from django_jazzauth.keys import index_rotation
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.store import index_sql, journal
from django_jazzauth.store import reindex as module
from django_jazzauth.store.reindex import reindex
from tests.testapp.models import Patient

from .reindexing import columns, generations, populate

ON_DISK = pytest.mark.django_db(transaction=True)


@ON_DISK
def test_transactions_from_before_are_waited_for() -> None:
    populate(2)
    began, ends = threading.Event(), threading.Event()

    def read() -> None:
        if connection.vendor == "sqlite":
            with closing(sqlite3.connect(connection.settings_dict["NAME"])) as raw:
                raw.execute("BEGIN")
                raw.execute("SELECT COUNT(*) FROM testapp_patient").fetchall()
                began.set()
                ends.wait(20)
            return
        with transaction.atomic():
            assert Patient.objects.count() == 2
            began.set()
            ends.wait(20)
        connections.close_all()

    thread = threading.Thread(target=read)
    thread.start()
    assert began.wait(10)
    try:
        with pytest.raises(ReindexRefused, match="1 transactions that may not know"):
            reindex(wait=0, patience=0.2, columns=columns("patient.record_no"))
        assert generations("testapp_patient", "record_no") == {1}
    finally:
        ends.set()
        thread.join()
    assert reindex(wait=0).moved > 0
    assert generations("testapp_patient", "record_no") == {2}


@ON_DISK
def test_a_writer_with_old_keys_notices_before_its_event_is_written() -> None:
    populate(1)
    ring = keyring("default")
    assert len(ring.index_ciphers("patient", "record_no")) == 1
    known = ring._holder.get()
    index_rotation.announce("default", [("patient", "record_no")])
    ring._holder._shared = known  # as in a process that was told nothing
    patient = Patient.objects.create(record_no="after")
    assert len(ring.index_ciphers("patient", "record_no")) == 2
    assert Patient.objects.get(record_no="after").pk == patient.pk


@ON_DISK
def test_a_writer_keeps_its_values_from_moving_until_it_commits() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("writers wait for each other")
    populate(4)
    index_rotation.announce("default", [("patient", "record_no")])
    keyring("default").forget()
    wrote, goes_on = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            Patient.objects.create(record_no="held")
            wrote.set()
            goes_on.wait(20)
        connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    assert wrote.wait(10)
    run = module._Run("default", 50, 0, 0.4, None)
    column = columns("patient.record_no")[0]
    try:
        with pytest.raises(ReindexRefused, match="others held its rows"):
            run._step(column, 50)
    finally:
        goes_on.set()
        thread.join()
    assert generations("testapp_patient", "record_no") == {1}
    run._step(column, 50)
    assert generations("testapp_patient", "record_no") == {2}


@ON_DISK
def test_a_transaction_that_sees_the_past_writes_nothing_by_an_old_boundary() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("its isolation levels")
    populate(4)
    index_rotation.announce("default", [("patient", "record_no")])
    keyring("default").forget()
    failed: list[BaseException] = []
    began, goes_on = threading.Event(), threading.Event()

    def write() -> None:
        try:
            with transaction.atomic():
                with connections["default"].cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                assert Patient.objects.count() == 4
                began.set()
                goes_on.wait(20)
                Patient.objects.create(record_no="r1")
        except OperationalError as error:
            failed.append(error)
        connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    assert began.wait(10)
    module._Run("default", 50, 0, 5, None)._step(columns("patient.record_no")[0], 50)
    goes_on.set()
    thread.join()
    assert "serialize" in str(failed[0])
    assert Patient.objects.count() == 4


@pytest.mark.django_db
def test_places_are_read_once_in_a_transaction(half_way: None) -> None:
    assert len(keyring("default").index_ciphers("patient", "email")) == 2
    with transaction.atomic(), connection.execute_wrapper(_counting(seen := [])):
        for n in range(3):
            Patient.objects.create(record_no=f"n{n}", email=f"n{n}@example.org")
    assert len([sql for sql in seen if "jazzauth_index_column" in sql]) == 1


def _counting(seen: list[str]) -> Any:
    def wrapper(execute: Any, sql: str, *arguments: Any) -> Any:
        seen.append(sql)
        return execute(sql, *arguments)

    return wrapper


@pytest.mark.django_db
def test_the_lowest_values_of_several_columns_are_merged() -> None:
    populate(3)
    column = columns("patient.record_no")[0]
    twice = type(column)(column.entity, column.key, column.field, column.places * 2)
    span = index_rotation.span(1)
    once = index_sql.next_within("default", column, span, 10)
    assert len(once) == 3 and once == sorted(once)
    assert index_sql.next_within("default", twice, span, 10) == once
    assert index_sql.next_within("default", twice, span, 2) == once[:2]
    assert index_sql.next_within("default", column, (once[0], once[2]), 10) == [once[1]]


@ON_DISK
def test_no_row_is_written_along_with_its_event_while_columns_move(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("only there they are one statement")
    populate(1)
    calls = []
    real = journal.insert_with_row

    def count(*arguments: Any) -> int:
        calls.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(journal, "insert_with_row", count)
    patient = Patient.objects.create(record_no="before")
    assert len(calls) == 1
    index_rotation.announce("default", [("patient", "record_no")])
    keyring("default").forget()
    calls.clear()
    patient.record_no = "after"
    patient.save()
    Patient.objects.create(record_no="new")
    assert not calls
    assert Patient.objects.filter(record_no__in=("after", "new")).count() == 2
