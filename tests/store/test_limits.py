"""What docs/security.md says that somebody with the database alone can do: it has to stay true."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.db import connection
from django.utils import timezone

from django_jazzauth.errors import JazzAuthError, SealBroken
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.models import DataKey
from django_jazzauth.keys.rotation import rotate
from django_jazzauth.models import Session
from django_jazzauth.store import store
from django_jazzauth.store.retire import retire
from django_jazzauth.store.rewrap import rewrap

User: Any = get_user_model()


def copied(pk: Any, model: Any = User) -> tuple[list[str], tuple[Any, ...]]:
    """A row as a copy of the database has it."""
    quoted = connection.ops.quote_name(model._meta.db_table)
    key = model._meta.pk.get_db_prep_value(pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {quoted} WHERE id = %s", [key])
        return [column[0] for column in cursor.description], tuple(cursor.fetchone())


def put_back(names: list[str], values: tuple[Any, ...], model: Any = User) -> None:
    quote = connection.ops.quote_name
    columns, marks = ", ".join(map(quote, names)), ", ".join(["%s"] * len(names))
    table = quote(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)


def codes() -> set[str]:
    return {problem.code for problem in store.verify().problems}


@pytest.mark.django_db
@pytest.mark.parametrize("forgotten", [False, True])
def test_a_deleted_account_put_back_does_not_load_and_verify_says_so(forgotten: bool) -> None:
    user = User.objects.create_user("ada", "ada@example.org", "a long password")
    pk, row = user.pk, copied(user.pk)
    if forgotten:
        store.shred(user)
    else:
        user.delete()
    assert not codes()
    put_back(*row)
    assert authenticate(username="ada", password="a long password") is None
    with pytest.raises(SealBroken):
        User.objects.get(pk=pk)
    assert "ROW_WITHOUT_LOG" in codes()


@pytest.mark.django_db
def test_a_revoked_session_put_back_is_none() -> None:
    user = User.objects.create_user("ada", "ada@example.org", "a long password")
    session = Session.objects.create(user=user, expires_at=timezone.now() + timedelta(days=1))
    token, row = session.token, copied(session.pk, Session)
    session.delete()
    put_back(*row, Session)
    with pytest.raises(SealBroken):
        Session.objects.get(token=token)
    with pytest.raises(SealBroken):
        Session.objects.select_related("user").get(token=token)


@pytest.mark.django_db(transaction=True)
def test_it_ends_with_the_epoch_of_its_head() -> None:
    user = User.objects.create_user("ada", "ada@example.org", "a long password")
    pk, row = user.pk, copied(user.pk)
    user.delete()  # which empties user.pk
    number = rotate("default").number
    rewrap("default")
    retire("default", number - 1)
    put_back(*row)
    keyring("default").forget()
    with pytest.raises(JazzAuthError) as refused:
        User.objects.get(pk=pk)
    assert refused.value.code in {"SEAL_BROKEN", "KEY_UNAVAILABLE"}


@pytest.mark.django_db
def test_a_destroyed_key_put_back_opens_again() -> None:
    user = User.objects.create_user("ada", "ada@example.org", "a long password")
    pk, stream = user.pk, f"user/{user.pk}"
    key = DataKey.objects.get(subject=stream)
    store.shred(user)
    DataKey.objects.filter(pk=key.pk).update(subject=stream, wrapped=key.wrapped, destroyed_at=None)
    keyring("default").forget()
    assert store.history(User, pk=pk)[0].state["email"] == "ada@example.org"
    assert not codes()
