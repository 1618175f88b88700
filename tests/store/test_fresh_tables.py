"""A rebuild into empty tables, tables that change under open connections, and large logs."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from django.db import NotSupportedError, connection, transaction

from django_jazzauth.keys.keyring import keyring
from django_jazzauth.store import store
from tests.testapp.models import Patient, Treatment, Ward

pytestmark = pytest.mark.django_db(transaction=True)


def test_new_rows_after_a_rebuild_into_fresh_tables() -> None:
    wards = [Ward.objects.create(name=f"w{n}") for n in range(3)]
    wards[2].delete()
    # MariaDB drops no table that others refer to, unless it is told not to look.
    with connection.constraint_checks_disabled(), connection.schema_editor() as editor:
        for model in (Patient, Ward):
            editor.delete_model(model)
        for model in (Ward, Patient):
            editor.create_model(model)
    store.rebuild()
    assert sorted(Ward.objects.values_list("pk", flat=True)) == [w.pk for w in wards[:2]]
    made = Ward.objects.create(name="new")
    bulk = Ward.objects.bulk_create([Ward(name="bulk 1"), Ward(name="bulk 2")])
    assert len({made.pk, *(w.pk for w in bulk), wards[0].pk, wards[1].pk}) == 5
    assert store.verify().ok


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's prepared statements")
def test_a_column_that_changes_its_type_under_prepared_statements() -> None:
    import psycopg

    made = Ward.objects.create(name="North")
    for _ in range(7):
        made.beds += 1
        made.save()
        Ward.objects.get(pk=made.pk)
    options = connection.get_connection_params()

    def alter(kind: str) -> None:  # as a migration in another process does it
        with psycopg.connect(
            host=options["host"], user=options["user"], dbname=options["dbname"], autocommit=True
        ) as other:
            other.execute(f"ALTER TABLE testapp_ward ALTER COLUMN beds TYPE {kind}")

    alter("bigint")
    try:
        assert Ward.objects.get(pk=made.pk).beds == made.beds
        assert Ward.objects.get(name="North").beds == made.beds
        made.beds += 1
        made.save()
    finally:
        alter("integer")
    # A transaction that meets the change is lost, and works when it is tried again.
    with pytest.raises(NotSupportedError, match="cached plan"), transaction.atomic():
        Ward.objects.get(pk=made.pk)
    with transaction.atomic():
        made.beds = 99
        made.save()
        assert Ward.objects.get(pk=made.pk).beds == 99
    assert store.verify().ok


@pytest.mark.skipif(connection.vendor != "sqlite", reason="one database shows it")
def test_verify_needs_no_more_memory_for_more_rows(settings: Any) -> None:
    # What is kept in memory is bounded, and full after the first rows.
    settings.JAZZAUTH = {**settings.JAZZAUTH, "MEMO_SIZE": 500}
    keyring("default").forget()

    def peak() -> int:
        tracemalloc.start()
        try:
            assert store.verify().ok
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    def fill(count: int) -> None:
        rows: list[Any] = [Treatment(code=f"c{n}", status="x" * 10) for n in range(count)]
        Treatment.objects.bulk_create(rows)

    fill(9000)
    store.verify()  # what is made once is made now
    few = peak()
    fill(9000)
    many = peak()
    assert many < 1.2 * few  # of twice the rows
