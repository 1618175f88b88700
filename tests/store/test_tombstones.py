"""What only the application can do to a data key, and what shows when somebody else does it."""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.utils import timezone

from django_jazzauth.crypto.envelope import Envelope
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.models import DataKey
from django_jazzauth.keys.rotation import rotate
from django_jazzauth.keys.tombstones import SUBJECT, open_tombstone, read_tombstones
from django_jazzauth.models import Account
from django_jazzauth.store import store
from django_jazzauth.store.models import Event
from django_jazzauth.store.retire import retire
from django_jazzauth.store.rewrap import rewrap

from .forging import forge

pytestmark = pytest.mark.django_db


def person(name: str) -> Any:
    return get_user_model().objects.create_user(name, f"{name}@example.org")


def key_of(user: Any) -> DataKey:
    return DataKey.objects.get(subject=f"user/{user.pk}")


def destroy_by_sql(key: DataKey) -> None:
    DataKey.objects.filter(pk=key.pk).update(
        wrapped=None, subject=None, destroyed_at=timezone.now()
    )
    keyring("default").forget()


def problems() -> list[tuple[str, str]]:
    keyring("default").forget()  # as another process sees it
    return [(each.code, each.stream) for each in store.verify().problems]


def test_shredding_leaves_one_that_opens() -> None:
    user = person("ada")
    key = key_of(user)
    store.shred(user)
    key.refresh_from_db()
    found = read_tombstones("default", [key.pk.bytes])
    assert found == {key.pk.bytes: Event.objects.order_by("-position")[0].position}
    assert problems() == []


def test_a_key_destroyed_by_sql_is_reported_and_so_is_who_still_lives() -> None:
    user, other = person("ada"), person("eve")
    account = Account.objects.create(user=user, provider_id="github", account_id="1")
    stream = f"user/{user.pk}"
    destroy_by_sql(key_of(user))
    assert sorted(problems()) == [
        ("LIVING_UNREADABLE", f"account/{account.pk}"),
        ("LIVING_UNREADABLE", stream),
        ("TOMBSTONE_MISSING", ""),
    ]
    assert get_user_model().objects.filter(pk=other.pk).exists()


def test_a_shredding_that_is_played_by_sql_is_reported() -> None:
    """The row is gone, the log ends in ``shredded``, the key is empty: all but the tombstone."""
    user = person("ada")
    stream, key, pk = f"user/{user.pk}", key_of(user), user.pk
    destroy_by_sql(key)
    forge(stream, "shredded", key)
    with connection.cursor() as cursor:
        table = get_user_model()._meta.db_table
        cursor.execute(
            f"DELETE FROM {table} WHERE id = %s",
            [pk if connection.features.has_native_uuid_field else pk.hex],
        )
    assert problems() == [("TOMBSTONE_MISSING", "")]


def test_the_tombstone_of_another_key_does_not_do() -> None:
    user, gone = person("ada"), person("eve")
    key, other = key_of(user), key_of(gone)
    store.shred(gone)
    destroy_by_sql(key)
    other.refresh_from_db()
    DataKey.objects.filter(pk=key.pk).update(tombstone=other.tombstone)
    assert ("TOMBSTONE_MISSING", "") in problems()


def test_a_destroyed_key_seals_nothing_new() -> None:
    """Nothing under a destroyed key can be opened, so anything could be said to be under it."""
    user, gone = person("ada"), person("eve")
    key = key_of(gone)
    store.shred(gone)
    forge(f"user/{user.pk}", "deleted", key)
    table = get_user_model()._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")
    assert problems() == [("AFTER_DESTRUCTION", f"user/{user.pk}")]


def test_the_key_of_the_tombstones_cannot_be_destroyed_unnoticed() -> None:
    user = person("ada")
    store.shred(user)
    destroy_by_sql(DataKey.objects.get(subject=SUBJECT))
    assert problems() == [("TOMBSTONE_MISSING", ""), ("TOMBSTONE_MISSING", "")]
    store.shred(person("eve"))  # with a new key
    assert problems() == [("TOMBSTONE_MISSING", ""), ("TOMBSTONE_MISSING", "")]


def test_they_outlive_their_epoch() -> None:
    user = person("ada")
    store.shred(user)
    rotate("default")
    assert rewrap("default").left.total == 0
    retire("default", 1)
    assert problems() == []
    store.shred(person("eve"))
    assert problems() == []


def test_a_key_of_theirs_that_was_rolled_back_seals_none() -> None:
    user, other = person("ada"), person("eve")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        store.shred(user)
        raise ZeroDivisionError
    store.shred(other)
    assert problems() == []
    assert get_user_model().objects.get().pk == user.pk


def test_what_is_none_does_not_open() -> None:
    envelope, id_ = Envelope(os.urandom(32)), os.urandom(16)
    assert open_tombstone(envelope, id_, b"") is None
    assert open_tombstone(envelope, id_, os.urandom(37)) is None
    assert open_tombstone(envelope, id_, envelope.seal(b"", b"")) is None
