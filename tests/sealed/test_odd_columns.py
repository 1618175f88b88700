"""Columns that hold what no application writes: values of other types, put there by SQL."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from django_jazzauth.errors import SealBroken
from django_jazzauth.models import Account
from django_jazzauth.store import store
from tests.testapp.models import Ward

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="others keep to a column's type"),
]


def sql(statement: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


@pytest.mark.parametrize("value", ["7", "'x'", "x'79'", "2.5", "-1", "x'30'"])
@pytest.mark.parametrize("column", ["is_superuser", "email_verified"])
def test_a_boolean_that_is_none(column: str, value: str) -> None:
    user = get_user_model().objects.create_user("ada", "ada@example.org")
    sql(f"UPDATE jazzauth_user SET {column} = {value}")
    problems = store.verify().problems
    assert [problem.code for problem in problems] == ["COLUMN_DIFFERS"], problems
    with pytest.raises(SealBroken):
        get_user_model().objects.get(pk=user.pk)
    # For a queryset the driver reads all of these as no.
    assert [getattr(each, column) for each in get_user_model().objects.all()] == [False]


@pytest.mark.parametrize("value", ["2.5", "'x'", "x'79'", "2.0000001"])
def test_a_number_that_is_none(value: str) -> None:
    ward = Ward.objects.create(name="North", beds=2)
    sql(f"UPDATE testapp_ward SET beds = {value}")
    assert not store.verify().ok
    with pytest.raises(SealBroken):
        Ward.objects.get(pk=ward.pk)


@pytest.mark.parametrize("use_tz", [True, False])
@pytest.mark.parametrize("value", ["7", "0", "'x'", "x'79'"])
def test_a_time_that_is_none(value: str, use_tz: bool, settings: Any) -> None:
    settings.USE_TZ = use_tz
    user = get_user_model().objects.create_user("ada", "ada@example.org")
    Account.objects.create(user=user, provider_id="p", account_id="a")
    sql(f"UPDATE jazzauth_account SET access_token_expires_at = {value} WHERE provider_id = 'p'")
    assert not store.verify().ok
    account = Account.objects.get(provider_id="p")
    assert account.access_token_expires_at is None
    with pytest.raises(SealBroken):
        Account.objects.get(pk=account.pk)


@pytest.mark.parametrize("value", ["7", "0", "'x'", "x'79'"])
def test_the_mark_of_an_unset_field(value: str) -> None:
    user = get_user_model().objects.create_user("ada", "ada@example.org")
    Account.objects.create(user=user, provider_id="p", account_id="a")
    sql(f"UPDATE jazzauth_account SET scope = {value} WHERE provider_id = 'p'")
    assert not store.verify().ok
    with pytest.raises(SealBroken):
        list(Account.objects.filter(provider_id="p"))


@pytest.mark.parametrize("value", ["'x'", "7", "2.5", "''"])
@pytest.mark.parametrize("column", ["email", "email_folded", "head"])
def test_a_ciphertext_that_is_text(column: str, value: str) -> None:
    get_user_model().objects.create_user("ada", "ada@example.org")
    sql(f"UPDATE jazzauth_user SET {column} = {value}")
    assert not store.verify().ok
    with pytest.raises(SealBroken):
        list(get_user_model().objects.all())


def test_a_key_that_is_none() -> None:
    get_user_model().objects.create_user("ada", "ada@example.org")
    sql("UPDATE jazzauth_user SET id = x'79'")
    assert not store.verify().ok
    with pytest.raises(SealBroken):
        list(get_user_model().objects.all())


@pytest.mark.parametrize("column", ["digest", "payload", "payload_hash", "key_id", "recorded_at"])
@pytest.mark.parametrize("value", ["'x'", "2.5"])
def test_an_event_of_odd_types(column: str, value: str) -> None:
    user = get_user_model().objects.create_user("ada", "ada@example.org")
    sql(f"UPDATE jazzauth_event SET {column} = {value}")
    assert not store.verify().ok
    if column in ("payload", "key_id", "recorded_at"):  # what opening depends on
        with pytest.raises(SealBroken):
            store.history(user)
