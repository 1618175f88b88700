"""Marked values go through the ORM; nothing that stays behind shows them."""

from __future__ import annotations

import glob
import logging
from typing import Any

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import Client

from django_jazzauth.errors import JazzAuthError
from tests.testapp.models import Patient

MARK = "Canary7f3a"
pytestmark = pytest.mark.django_db(transaction=True)


def everything_stored() -> bytes:
    found = b""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                found += b"\n".join(
                    bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row
                )
    if connection.vendor == "sqlite":
        for name in glob.glob(connection.settings_dict["NAME"] + "*"):
            with open(name, "rb") as file:
                found += file.read()
    return found


def test_no_marked_value_stays_behind(caplog: pytest.LogCaptureFixture, settings: Any) -> None:
    caplog.set_level(logging.DEBUG)
    settings.DEBUG = True  # queries are logged then, parameters and all
    password = f"{MARK}-password"
    user = get_user_model().objects.create_user(
        f"{MARK}name", f"{MARK}@{MARK}.example", password, first_name=MARK, last_name=MARK
    )
    client = Client(REMOTE_ADDR="127.0.0.1", HTTP_USER_AGENT=f"{MARK} agent")
    assert client.login(username=f"{MARK}name", password=password)
    session = client.session
    session["secret"] = MARK
    session.save()
    assert authenticate(username=f"{MARK}name", password=MARK) is None
    user.first_name = f"{MARK}2"
    user.save()
    made = Patient.objects.create(
        record_no=MARK, name=MARK, notes=MARK, email=f"{MARK}@x.org", extra={MARK: MARK}, owner=user
    )
    Patient.objects.filter(record_no=MARK).update(name=f"{MARK}3")
    list(Patient.objects.filter(name__icontains=MARK).order_by("name"))
    texts = []
    for failing in (
        lambda: Patient.objects.create(record_no=MARK),
        lambda: Patient.objects.create(record_no="x", name=MARK * 20),
        lambda: Patient.objects.create(record_no="y", name=f"{MARK}\x00"),
    ):
        with pytest.raises((IntegrityError, JazzAuthError)) as caught, transaction.atomic():
            failing()
        texts.append(str(caught.value))
    snapshot = repr(Patient.objects.get(pk=made.pk)._state.sealed)
    user.delete()
    client.logout()
    kept = everything_stored()
    logged = "\n".join([record.getMessage() for record in caplog.records] + texts + [snapshot])
    cached = repr(getattr(cache, "_cache", ""))
    for marked in (MARK, MARK.lower(), MARK.encode().hex()):
        assert marked.encode() not in kept
        assert marked not in logged
        assert marked not in cached
