"""How many statements and events the core's endpoints take: what must not creep up unnoticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.db import connection

from django_jazzauth.models import Account, Session
from django_jazzauth.store import store
from django_jazzauth.store.models import Event

from .conftest import Api

User: Any = get_user_model()
PASSWORD = "correct-horse-battery"
BODY = {"email": "alice@example.com", "password": PASSWORD}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_mails(settings: Any, captured_server: None) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "EMAIL_VERIFICATION": {}}


@contextmanager
def takes(statements: int, events: int, transactions: int) -> Iterator[None]:
    """Expect so many statements (locks aside), new events, and transactions."""
    ran: list[str] = []
    begun: list[str] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.endswith(("WHERE 0", "FOR UPDATE")):
            (begun if sql.startswith(("BEGIN", "SAVEPOINT")) else ran).append(sql)
        return execute(sql, params, many, context)

    before = Event.objects.count()
    with connection.execute_wrapper(note):
        yield
    after = Event.objects.count()
    assert not [sql for sql in ran if sql.startswith("RELEASE")]
    assert (len(ran), after - before) == (statements, events), "\n".join(ran)
    if connection.vendor == "sqlite":  # the other drivers begin by themselves
        assert len(begun) == transactions


def either(statements: int, on_postgresql: int) -> int:
    """PostgreSQL appends an event and writes its row in one statement."""
    return on_postgresql if connection.vendor == "postgresql" else statements


def test_a_sign_up_is_one_transaction(api: Api) -> None:
    Api().sign_up("first@example.com")  # makes the epoch
    # The look for the address; data key; event and row of user, account and session.
    with takes(either(8, 4), 3, 1):
        answer = api.sign_up()
    assert answer.status_code == 200
    user = User.objects.get(email="alice@example.com")
    session, account = Session.objects.get(user=user), Account.objects.get(user=user)
    assert store.history(user)[-1].type == "created"
    assert user.last_login is not None
    events = [event for one in (user, session, account) for event in store.history(one)]
    assert {event.actor for event in events} == {str(user.pk)}
    assert len({event.cause["request_id"] for event in events}) == 1


def test_a_sign_in_is_one_transaction(api: Api) -> None:
    api.sign_up()
    before = User.objects.get().last_login
    # The user; event and row of session and user.
    with takes(either(5, 3), 2, 1):
        assert Api().post("/sign-in/email", BODY).status_code == 200
    assert User.objects.get().last_login > before


def test_a_wrong_password_takes_the_look_alone(api: Api) -> None:
    api.sign_up()
    for email in ("alice@example.com", "nobody@example.com"):
        with takes(1, 0, 0):
            answer = api.post("/sign-in/email", {**BODY, "email": email, "password": "wrong-horse"})
        assert answer.status_code == 401


def test_a_sign_out_ends_the_session(api: Api) -> None:
    api.sign_up()
    # The session; its row and event. The plugin multi_session looks whether another is left.
    with takes(4, 1, 1):
        assert api.post("/sign-out").status_code == 200


def test_whoever_listens_hears_of_each_sign_in(api: Api) -> None:
    heard: list[Any] = []

    def hear(sender: Any, user: Any, **kwargs: Any) -> None:
        heard.append(user.last_login)

    user_logged_in.connect(hear)
    try:
        api.sign_up()
        api.post("/sign-in/email", BODY)
    finally:
        user_logged_in.disconnect(hear)
    assert len(heard) == 2
    assert heard[0] < heard[1] == User.objects.get().last_login
