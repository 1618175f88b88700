"""What a request asks of the database, of the cache and of the log: what must not creep up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.utils import timezone

from django_jazzauth.models import Session
from django_jazzauth.store.models import Event
from django_jazzauth.tokens.keys import forget

from .conftest import Api
from .plugin_setup import install

pytestmark = pytest.mark.django_db(transaction=True)  # the signing keys are kept once committed

ONE_READ = ["SELECT jazzauth_session, jazzauth_user"]
CHANGED = (
    ["WITH jazzauth_session, jazzauth_event, jazzauth_data_key, jazzauth_epoch"]  # both in one
    if connection.vendor == "postgresql"
    else ["INSERT jazzauth_event", "UPDATE jazzauth_session"]
)
ENDED = ["DELETE jazzauth_session", "INSERT jazzauth_event"]


class CountingCache(LocMemCache):
    """Local memory that knows what it was asked."""

    asked: list[str] = []

    def get(self, *args: Any, **kwargs: Any) -> Any:
        self.asked.append("get")
        return super().get(*args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:
        self.asked.append("add")
        return super().add(*args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        self.asked.append("set")
        return super().set(*args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        self.asked.append("incr")
        return super().incr(*args, **kwargs)


@pytest.fixture(autouse=True)
def site(settings: Any, captured_server: None) -> Iterator[None]:
    """The core and bearer tokens; rate limits are on, as they are by default."""
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.CountingCache", "LOCATION": __name__}}
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RATE_LIMIT": {"ENABLED": True}}
    install(settings, "django_jazzauth.contrib.bearer")
    yield
    caches["default"].clear()


def tables(statement: str) -> str:
    """``SELECT jazzauth_session, jazzauth_user``: verb and tables of a statement."""
    words = statement.replace("`", '"').split()
    found = [word.strip('"();') for word in words]
    named = [word for word in found if word.startswith("jazzauth_") and "." not in word]
    # What an insert reads along (that its keys still live) is part of the insert, and what a row's
    # head is compared with (the newest version in the log) is part of the row's read.
    named = list(dict.fromkeys(named))[: 1 if words[0] == "INSERT" else None]
    if words[0] == "SELECT" and len(named) > 1:
        named = [name for name in named if name not in ("jazzauth_event", "jazzauth_newest")]
    return f"{words[0]} {', '.join(named)}"


@contextmanager
def costs(statements: list[str], *, events: int = 0, cache: list[str] | None = None) -> Any:
    """Expect these statements (transactions and locks aside), events and cache operations."""
    ran: list[str] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(("BEGIN", "SAVEPOINT", "RELEASE")) and not sql.endswith(
            ("WHERE 0", "FOR UPDATE")
        ):
            ran.append(tables(sql))
        return execute(sql, params, many, context)

    before = Event.objects.count()
    CountingCache.asked.clear()
    with connection.execute_wrapper(note):
        yield
    assert ran == statements
    assert Event.objects.count() - before == events
    assert CountingCache.asked == (["incr"] if cache is None else cache)


@pytest.fixture
def browser() -> Api:
    """Somebody signed in, who has asked for everything once."""
    api = Api()
    assert api.sign_up().status_code == 200
    for path in ("/ok", "/get-session", "/token", "/jwks"):
        assert api.get(path).status_code == 200
    Api().post("/sign-out")  # counted by address and path, so the next one is not the first
    return api


def bearer(browser: Api) -> dict[str, str]:
    return {"authorization": f"Bearer {browser.get('/get-session').json()['session']['token']}"}


@pytest.mark.parametrize("path", ["/ok", "/jwks", "/get-session"])
def test_nobody_needs_no_database(browser: Api, path: str) -> None:
    with costs([]):
        assert Api().get(path).status_code == 200


@pytest.mark.parametrize("path", ["/get-session", "/token"])
def test_session_and_user_are_one_read(browser: Api, path: str) -> None:
    with costs(ONE_READ):
        assert browser.get(path).json()


@pytest.mark.parametrize("path", ["/get-session", "/token"])
def test_so_they_are_for_a_bearer(browser: Api, path: str) -> None:
    headers = bearer(browser)
    with costs(ONE_READ):
        assert Api(origin=None).get(path, **headers).json()


def test_a_first_request_is_counted_anew(browser: Api) -> None:
    caches["default"].clear()
    with costs([], cache=["incr", "add"]):
        Api().get("/ok")


def test_a_signed_cookie_that_is_not_ours_is_not_looked_up(browser: Api) -> None:
    browser.client.cookies["better-auth.session_token"] = "guessed.c2lnbmF0dXJl"
    with costs([]):
        assert browser.get("/get-session").json() is None


def test_the_signing_keys_are_read_now_and_then(browser: Api) -> None:
    forget()
    with costs(["SELECT jazzauth_signing_key"]):
        browser.get("/jwks")


def test_a_renewal_is_one_event(browser: Api) -> None:
    soon = timezone.now() + timedelta(days=1)
    Session.objects.update(expires_at=soon)
    with costs([*ONE_READ, *CHANGED], events=1):
        assert browser.get("/get-session").json()


def test_a_sign_out_is_one_read_and_one_event(browser: Api) -> None:
    with costs(["SELECT jazzauth_session", *ENDED], events=1):
        assert browser.post("/sign-out").json() == {"success": True}


def test_a_second_sign_out_writes_nothing(browser: Api) -> None:
    cookie = browser.client.cookies["better-auth.session_token"].value
    browser.post("/sign-out")
    browser.client.cookies["better-auth.session_token"] = cookie
    with costs(["SELECT jazzauth_session"]):
        assert browser.post("/sign-out").json() == {"success": True}
