"""A connection that the server ended is made anew, where the settings ask for that."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from django.db import connection

from tests.testapp.models import Patient

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's own"),
]


def _end_connection() -> None:
    """As the server does when it is started anew."""
    pid = connection.connection.info.backend_pid
    options = connection.get_connection_params()
    with psycopg.connect(
        host=options["host"], user=options["user"], dbname=options["dbname"], autocommit=True
    ) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@pytest.mark.parametrize(
    "call",
    [
        lambda: Patient.objects.get(record_no="1"),
        lambda: Patient.objects.create(record_no="2"),
        lambda: Patient.objects.update(visits=2),
        lambda: Patient.objects.first().delete(),
    ],
    ids=["get", "create", "update", "delete"],
)
def test_the_next_request_finds_the_server_again(
    call: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_HEALTH_CHECKS", True)
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", None)
    connection.close()
    Patient.objects.create(record_no="1")
    _end_connection()
    connection.close_if_unusable_or_obsolete()  # what begins a request
    call()
