"""Sign-in by username or e-mail."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, authenticate, get_backends, get_user_model
from django.contrib.auth import hashers as django_hashers
from django.db import connection

from django_jazzauth.backends import EventStoreBackend

User: Any = get_user_model()


def both(**credentials: Any) -> Any:
    """What the sync and the async way say, which must be the same."""
    found = authenticate(None, **credentials)
    assert async_to_sync(aauthenticate)(None, **credentials) == found
    return found


def test_username_and_email() -> None:
    user = User.objects.create_user("alice", "alice@example.com", "correct-horse")
    assert both(username="alice", password="correct-horse") == user
    assert both(username="ALICE@example.com", password="correct-horse") == user
    assert both(email="alice@example.com", password="correct-horse") == user
    assert both(username="alice", password="wrong-horse") is None
    assert both(username="Alice", password="correct-horse") is None
    assert both(username="nobody@example.com", password="correct-horse") is None
    assert both(username="", password="correct-horse") is None
    assert both(username="alice") is None


def test_inactive_users_cannot_sign_in() -> None:
    User.objects.create_user("alice", "alice@example.com", "correct-horse", is_active=False)
    assert both(username="alice", password="correct-horse") is None


def test_a_name_that_is_anothers_address_locks_nobody_out() -> None:
    by_name = User.objects.create_user("shared@example.com", "", "password-of-one")
    by_email = User.objects.create_user("two", "shared@example.com", "password-of-two")
    assert both(username="shared@example.com", password="password-of-one") == by_name
    assert both(username="shared@example.com", password="password-of-two") == by_email
    assert both(username="shared@example.com", password="password-of-three") is None


@pytest.mark.parametrize("name", ["alice", "alice@example.com", "nobody", "nobody@example.com"])
def test_one_hash_whether_known_or_not(name: str) -> None:
    User.objects.create_user("alice", "alice@example.com", "correct-horse")
    # The hash of nobody is made once in a process.
    authenticate(None, username="nobody", password="wrong-horse")
    hasher = type(django_hashers.get_hasher())
    with (
        mock.patch.object(hasher, "encode", autospec=True, side_effect=hasher.encode) as encode,
        mock.patch.object(hasher, "verify", autospec=True, side_effect=hasher.verify) as verify,
    ):
        assert authenticate(None, username=name, password="wrong-horse") is None
    # MD5 in test settings verifies by encoding once more.
    assert max(encode.call_count, verify.call_count) == 1


def test_get_user() -> None:
    user = User.objects.create_user("alice")
    (backend,) = get_backends()
    assert backend.get_user(user.pk) == user
    assert async_to_sync(backend.aget_user)(user.pk) == user
    user.delete()
    assert backend.get_user(user.pk) is None


@pytest.mark.django_db
def test_a_tampered_user_is_treated_as_absent(caplog: pytest.LogCaptureFixture) -> None:
    user = get_user_model().objects.create_user("mallory", "mallory@example.com", "pw-mallory-1")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jazzauth_user SET is_superuser = %s", [True])
    backend = EventStoreBackend()
    assert backend.get_user(user.pk) is None
    assert backend.authenticate(None, username="mallory", password="pw-mallory-1") is None
    assert str(user.pk) in caplog.text
    assert "mallory" not in caplog.text


def test_a_name_too_long_for_an_address_is_not_folded() -> None:
    """Folding a run of combining marks takes time that grows with its square."""
    with mock.patch("unicodedata.normalize", side_effect=pytest.fail):
        assert both(username="e" + "\u0327\u0301" * 400_000 + "@example.com", password="x") is None
