"""Sessions under the names of ``django.contrib.sessions``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Q
from django.utils import timezone

from django_jazzauth.models import Session
from django_jazzauth.models.session import new_token

pytestmark = pytest.mark.django_db


def make(key: str = "k" * 32, **fields: object) -> Session:
    ends = timezone.now() + timedelta(days=1)
    made: Session = Session.objects.create(
        session_key=key, session_data="d", expire_date=ends, **fields
    )
    return made


def test_tokens() -> None:
    tokens = {new_token() for _ in range(200)}
    assert len(tokens) == 200
    assert all(len(token) == 32 and token.isalnum() and token.isascii() for token in tokens)


def test_attributes() -> None:
    session = make()
    assert (session.session_key, session.session_data) == (session.token, session.data)
    assert session.expire_date == session.expires_at
    session.session_key, session.session_data = "n" * 32, "e"
    session.expire_date = ends = timezone.now()
    session.save()
    stored = Session.objects.get()
    assert (stored.token, stored.data, stored.expires_at) == ("n" * 32, "e", ends)
    assert stored.token not in str(stored) + repr(stored)


def test_queries() -> None:
    first, second = make("a" * 32), make("b" * 32)
    now = timezone.now()
    objects = Session.objects
    assert objects.get(session_key="a" * 32) == first
    assert objects.get(session_key="a" * 32, expire_date__gt=now) == first
    assert objects.filter(Q(session_key="a" * 32) | ~Q(expire_date__gt=now)).get() == first
    assert objects.exclude(session_key__in=["a" * 32]).get() == second
    assert list(objects.order_by("-expire_date")) == [second, first]
    assert set(objects.values_list("session_key", flat=True)) == {"a" * 32, "b" * 32}
    assert objects.values("session_key").filter(session_key="a" * 32).get() == {"token": "a" * 32}
    assert objects.only("expire_date").get(pk=first.pk).session_key == "a" * 32
    assert objects.defer("session_data").get(pk=first.pk).session_data == "d"
    assert objects.filter(session_key="a" * 32).update(expire_date=now) == 1
    assert objects.get(pk=first.pk).expires_at == now
    assert objects.get_or_create(session_key="a" * 32) == (first, False)
    made, created = objects.get_or_create(session_key="c" * 32, defaults={"expire_date": now})
    assert created and made.expires_at == now
    changed, created = objects.update_or_create(
        session_key="c" * 32, defaults={"session_data": "new"}, create_defaults={}
    )
    assert not created and changed.data == "new"


def test_the_managers_save() -> None:
    ends = timezone.now() + timedelta(days=1)
    session = Session.objects.save("m" * 32, {"a": 1}, ends)
    assert session.get_decoded() == {"a": 1}
    same = Session.objects.save("m" * 32, {"a": 2}, ends)
    assert same.pk == session.pk
    assert Session.objects.get().get_decoded() == {"a": 2}
    Session.objects.save("m" * 32, {}, ends)
    assert not Session.objects.exists()
    Session.objects.save("m" * 32, {}, ends)


def test_save_of_some_fields() -> None:
    session = make()
    before = session.updated_at
    session.expire_date = timezone.now() + timedelta(days=9)
    names: Any = ["expire_date"]
    session.save(update_fields=names)
    stored = Session.objects.get()
    assert stored.expires_at == session.expires_at
    assert stored.updated_at > before


def test_data_that_was_not_signed_here_is_empty() -> None:
    assert make().get_decoded() == {}
