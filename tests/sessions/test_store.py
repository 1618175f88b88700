"""Django's session engine over the event store, sync and async alike."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import (
    SESSION_KEY,
    alogin,
    alogout,
    get_user,
    get_user_model,
    login,
    logout,
    update_session_auth_hash,
)
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.utils import timezone

from django_jazzauth.models import Session
from django_jazzauth.sessions import SessionStore

User: Any = get_user_model()

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Any:
    return User.objects.sign_up(email="alice@example.com", name="Alice", password="correct-horse")


def request_with(session: SessionStore) -> HttpRequest:
    request = RequestFactory(headers={"user-agent": "TestBrowser/1.0"}).get(
        "/", REMOTE_ADDR="192.0.2.7"
    )
    request.session = session
    return request


def test_the_name_is_the_signing_salt() -> None:
    assert SessionStore().key_salt == "django.contrib.sessions.SessionStore"


def test_an_anonymous_session_keeps_data() -> None:
    session = SessionStore()
    session["cart"] = [1, "ä"]
    session.save()
    row = Session.objects.get(token=session.session_key)
    assert row.user_id is None
    assert row.get_decoded() == {"cart": [1, "ä"]}
    assert len(row.token) == 32

    again = SessionStore(session.session_key)
    assert again["cart"] == [1, "ä"]
    again["more"] = 1
    again.save()
    changed = Session.objects.get()
    assert (changed.pk, changed.created_at) == (row.pk, row.created_at)
    assert changed.updated_at > row.updated_at
    assert SessionStore(session.session_key).get("more") == 1
    assert again.exists(session.session_key)
    assert not again.exists("nobody-has-this-key-00000000000")


def test_async() -> None:
    async def run() -> None:
        session = SessionStore()
        await session.aset("a", 1)
        await session.asave()
        assert await session.aexists(session.session_key)
        again = SessionStore(session.session_key)
        assert await again.aget("a") == 1
        await again.acycle_key()
        assert again.session_key != session.session_key
        assert not await again.aexists(session.session_key)
        await again.aset("b", 2)
        await again.asave()
        assert dict(await SessionStore(again.session_key).aitems()) == {"a": 1, "b": 2}
        await again.aflush()
        assert again.session_key is None

    async_to_sync(run)()
    assert not Session.objects.exists()


def test_flush_and_cycle_key() -> None:
    session = SessionStore()
    session["a"] = 1
    session.save()
    first = session.session_key
    session.cycle_key()
    assert session.session_key != first
    assert list(Session.objects.values_list("token", flat=True)) == [session.session_key]
    assert SessionStore(session.session_key)["a"] == 1
    session.flush()
    assert session.session_key is None
    assert not Session.objects.exists()


def test_a_session_that_was_ended_elsewhere_is_not_brought_back() -> None:
    session = SessionStore()
    session["a"] = 1
    session.save()
    elsewhere = SessionStore(session.session_key)
    elsewhere.load()
    elsewhere.delete()
    session["b"] = 2
    with pytest.raises(UpdateError):
        session.save()
    fresh = SessionStore(session.session_key)
    fresh.clear()
    with pytest.raises(UpdateError):
        fresh.save()
    with pytest.raises(UpdateError):
        async_to_sync(session.asave)()
    assert not Session.objects.exists()


def test_a_taken_key_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    first = SessionStore()
    first.create()
    taken = first.session_key
    keys = iter([taken, "a" * 32, taken, "b" * 32])
    monkeypatch.setattr(SessionStore, "_get_new_session_key", lambda self: next(keys))
    second = SessionStore()
    second.create()
    assert second.session_key == "a" * 32
    third = SessionStore()
    async_to_sync(third.acreate)()
    assert third.session_key == "b" * 32
    first["a"] = 1
    with pytest.raises(CreateError):
        first.save(must_create=True)


def test_both_writers_of_one_session_leave_a_session() -> None:
    session = SessionStore()
    session.create()
    one, two = SessionStore(session.session_key), SessionStore(session.session_key)
    one["a"] = 1
    two["b"] = 2
    one.save()
    two.save()
    assert SessionStore(session.session_key).get("b") == 2


@pytest.mark.parametrize("key", ["", "1", "nobody-has-this-key-00000000000", "\x00" * 32, "ä" * 9])
def test_unknown_keys(key: str) -> None:
    session = SessionStore(key)
    assert session.get("a") is None
    assert session.session_key is None
    session.delete("nobody-has-this-key-00000000000")
    assert not Session.objects.exists()


def test_what_has_run_out_is_gone() -> None:
    old, new = SessionStore(), SessionStore()
    for session in (old, new):
        session["a"] = 1
        session.save()
    Session.objects.filter(session_key=old.session_key).update(
        expire_date=timezone.now() - timedelta(seconds=1)
    )
    assert SessionStore(old.session_key).get("a") is None
    assert Session.objects.live().get().token == new.session_key
    call_command("clearsessions")
    assert Session.objects.get().token == new.session_key
    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    async_to_sync(SessionStore.aclear_expired)()
    assert not Session.objects.exists()


def test_expiry_follows_set_expiry() -> None:
    session = SessionStore()
    session.set_expiry(60)
    session.save()
    left = Session.objects.get().expires_at - timezone.now()
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)


def test_login_binds_the_session_to_its_user(alice: Any) -> None:
    session = SessionStore()
    session["cart"] = 1
    session.save()
    anonymous_key = session.session_key
    request = request_with(session)
    login(request, alice)
    session.save()
    assert session.session_key != anonymous_key
    row = Session.objects.get()
    assert row.user == alice
    assert (row.ip_address, row.user_agent) == ("192.0.2.7", "TestBrowser/1.0")
    assert list(alice.sessions.all()) == [row]
    assert get_user(request_with(SessionStore(session.session_key))) == alice
    logout(request)
    assert not Session.objects.exists()


def test_async_login(alice: Any) -> None:
    async def run() -> None:
        request = request_with(SessionStore())
        await alogin(request, alice)
        await request.session.asave()
        row = await Session.objects.aget()
        assert (row.user_id, row.user_agent) == (alice.pk, "TestBrowser/1.0")
        await alogout(request)
        assert not await Session.objects.aexists()

    async_to_sync(run)()


def test_a_changed_password_ends_other_sessions(alice: Any) -> None:
    here, there = request_with(SessionStore()), request_with(SessionStore())
    for request in (here, there):
        login(request, alice)
        request.user = alice
        request.session.save()
    alice.set_password("another-horse")
    alice.save()
    update_session_auth_hash(here, alice)
    here.session.save()
    assert get_user(request_with(SessionStore(here.session.session_key))) == alice
    assert get_user(request_with(SessionStore(there.session.session_key))).is_anonymous


def test_ending_the_users_sessions_signs_them_out(alice: Any, client: Client) -> None:
    client.force_login(alice)
    assert Session.objects.get().user == alice
    alice.sessions.all().delete()
    assert get_user(request_with(SessionStore(client.cookies["sessionid"].value))).is_anonymous


def test_deleting_the_user_ends_their_sessions(alice: Any, client: Client) -> None:
    client.force_login(alice)
    alice.delete()
    assert not Session.objects.exists()


def test_session_data_may_name_a_user_who_does_not_exist() -> None:
    for named in ("00000000-0000-4000-8000-000000000000", "not-a-uuid", 5):
        session = SessionStore()
        session[SESSION_KEY] = named
        session.save()
        row = Session.objects.get(token=session.session_key)
        assert row.user_id is None
        assert row.get_decoded() == {SESSION_KEY: named}


def test_a_session_of_the_api_is_one_of_django_too(alice: Any) -> None:
    row = Session.objects.create(user=alice, expires_at=timezone.now() + timedelta(days=1))
    session = SessionStore(row.token)
    assert get_user(request_with(session)) == alice
    session["cart"] = 1
    session.save()
    assert get_user(request_with(SessionStore(row.token))) == alice
    assert SessionStore(row.token)["cart"] == 1
    assert Session.objects.get().pk == row.pk


def test_large_and_odd_data() -> None:
    session = SessionStore()
    session["large"] = "x" * 200_000
    session["odd"] = "\x00 😀 \u202e"
    session.save()
    again = SessionStore(session.session_key)
    assert again["large"] == "x" * 200_000
    assert again["odd"] == session["odd"]


def test_nothing_readable_is_stored(alice: Any) -> None:
    session = SessionStore()
    session["canary"] = "canary-of-the-session"
    session.note_client("198.51.100.77", "CanaryBrowser/1.0")
    session[SESSION_KEY] = str(alice.pk)
    session.save()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM jazzauth_session")
        stored = repr([bytes(v) if isinstance(v, memoryview) else v for v in cursor.fetchone()])
    for canary in ("canary-of", "198.51.100.77", "CanaryBrowser", str(session.session_key)):
        assert canary not in stored
