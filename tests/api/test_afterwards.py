"""A sign-up is one transaction: what comes before, in and after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.core import mail
from django.db import connection
from django.db.models.signals import post_save

from django_jazzauth.api.afterwards import afterwards, held_back
from django_jazzauth.api.hooks import Write, after_write, before_write
from django_jazzauth.models import Account, Session, last_login
from django_jazzauth.models.last_login import write_last_login

from .conftest import Api

User: Any = get_user_model()


def test_it_waits_for_the_outermost_block() -> None:
    done: list[str] = []
    afterwards(lambda: done.append("at once"))
    with held_back():
        afterwards(lambda: done.append("first"))
        with held_back():
            afterwards(lambda: done.append("second"))
        assert done == ["at once"]
    assert done == ["at once", "first", "second"]


def test_it_is_dropped_where_the_block_fails() -> None:
    done: list[str] = []
    with pytest.raises(ZeroDivisionError), held_back():
        afterwards(lambda: done.append("never"))
        raise ZeroDivisionError
    afterwards(lambda: done.append("later"))
    assert done == ["later"]


@pytest.fixture
def told() -> Iterator[list[tuple[str, bool, int]]]:
    """What after-hooks heard of, whether a transaction was open, and how many mails were out."""
    heard: list[tuple[str, bool, int]] = []

    def hear(sender: Any, instance: Any, write: Write, **kwargs: Any) -> None:
        heard.append((write.entity, connection.in_atomic_block, len(mail.outbox)))

    after_write.connect(hear)
    yield heard
    after_write.disconnect(hear)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("atomic_requests", [False, True])
def test_hooks_and_mails_follow_the_commit(
    api: Api,
    told: list[tuple[str, bool, int]],
    atomic_requests: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", atomic_requests)
    assert api.sign_up().status_code == 200
    assert told == [("user", False, 0), ("account", False, 0), ("session", False, 1)]


@pytest.mark.django_db(transaction=True)
def test_a_refused_session_leaves_the_user(api: Api, told: list[tuple[str, bool, int]]) -> None:
    def refuse(sender: Any, data: Any, write: Write, **kwargs: Any) -> bool:
        assert User.objects.filter(pk=data["user"].pk).exists()
        return False

    before_write.connect(refuse, sender=Session)
    try:
        answer = api.sign_up()
    finally:
        before_write.disconnect(refuse, sender=Session)
    assert (answer.status_code, answer.json()["code"]) == (401, "FAILED_TO_CREATE_SESSION")
    assert not answer.cookies
    assert Account.objects.get().user == User.objects.get()
    assert [entity for entity, *_ in told] == ["user", "account"]
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_a_user_who_cannot_be_stored_is_not_told_of(
    api: Api, told: list[tuple[str, bool, int]]
) -> None:
    def fail(sender: Any, instance: Any, **kwargs: Any) -> None:
        raise RuntimeError("no account")

    post_save.connect(fail, sender=Account)
    try:
        with pytest.raises(RuntimeError):
            api.sign_up()
    finally:
        post_save.disconnect(fail, sender=Account)
    assert not User.objects.exists()
    assert told == [] and mail.outbox == []


@pytest.mark.django_db
def test_only_the_first_sign_in_of_a_new_user_is_written_with_them() -> None:
    user = User.objects.sign_up(email="a@example.com", name="A", password="correct-horse")
    assert user.last_login is None
    write_last_login(User, user)
    first = User.objects.get().last_login
    write_last_login(User, user)
    assert first is not None and User.objects.get().last_login > first


@pytest.mark.django_db
def test_who_was_refused_a_session_at_the_sign_up_was_never_signed_in(api: Api) -> None:
    def refuse(sender: Any, data: Any, write: Write, **kwargs: Any) -> bool:
        return False

    before_write.connect(refuse, sender=Session)
    try:
        assert api.sign_up().status_code == 401
    finally:
        before_write.disconnect(refuse, sender=Session)
    user = User.objects.get()
    assert user.last_login is None
    assert (
        api.post(
            "/sign-in/email", {"email": user.email, "password": "correct-horse-battery"}
        ).status_code
        == 200
    )
    assert User.objects.get().last_login is not None


def test_a_user_model_without_last_login(monkeypatch: pytest.MonkeyPatch) -> None:
    class WithoutField:
        last_login = None

    def receivers() -> list[Any]:
        return user_logged_in._live_receivers(sender=User)[0]

    assert write_last_login in receivers()
    monkeypatch.setattr(last_login, "get_user_model", lambda: WithoutField)
    try:
        last_login.connect()
        assert write_last_login not in receivers()
    finally:
        monkeypatch.undo()
        last_login.connect()
