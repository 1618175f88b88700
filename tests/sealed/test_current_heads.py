"""A row loads while the log has nothing newer of it; who waits for its lock is not refused."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from django_jazzauth.errors import SealBroken
from django_jazzauth.store import store
from tests.sealed.meanwhile import Meanwhile
from tests.testapp.models import Patient


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="it locks no rows")
@pytest.mark.parametrize("looked_before", [False, True])
def test_who_waits_for_the_lock_of_a_row_gets_the_row_as_it_is_then(looked_before: bool) -> None:
    made = Patient.objects.create(record_no="1", name="new")
    seen = []

    def select() -> None:
        with transaction.atomic():
            if looked_before:  # from here on, MariaDB shows the log as it is now
                Patient.objects.get(pk=made.pk)
            seen.extend(Patient.objects.select_for_update().filter(record_no="1"))
            seen.append(Patient.objects.select_for_update().get(pk=made.pk))

    other = Meanwhile(select)
    with transaction.atomic():
        for name in ("changed", "changed again"):
            made.name = name
            made.save()
        other.starts_and_waits()
    assert other.ends() is None
    assert [found.name for found in seen] == ["changed again"] * 2


@pytest.mark.django_db
def test_without_any_log_nothing_loads() -> None:
    made = Patient.objects.create(record_no="1", name="new")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM jazzauth_event WHERE stream = %s", [f"patient/{made.pk}"])
    with pytest.raises(SealBroken):
        Patient.objects.get(pk=made.pk)
    with pytest.raises(SealBroken):
        list(Patient.objects.all())
    assert not store.verify().ok
