"""What the cookie holds, and which one is no session."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_jazzauth.api.cookie_cache import encode_content
from django_jazzauth.models import Event, Session

from ..conftest import SECRET, Api
from .browser import (
    DATA,
    TOKEN,
    WEEK,
    alice,
    asked,
    content_of,
    copy_of,
    give,
    sign_in,
    switch_on,
    who,
)


def test_nothing_is_stored_and_nothing_asked(api: Api) -> None:
    answer = api.sign_up()
    assert answer.json()["token"]
    sign_in()
    assert not Session.objects.exists()
    streams = {
        stream.partition("/")[0] for stream in Event.objects.values_list("stream", flat=True)
    }
    assert "user" in streams
    assert "session" not in streams
    assert who(api) == "alice@example.com"
    for path in ("/get-session", "/token", "/list-sessions"):
        assert asked(api, path) == []


def test_what_the_browser_gets(api: Api) -> None:
    answer = api.sign_up()
    assert answer.cookies[DATA]["max-age"] in (str(WEEK), str(WEEK - 1))
    assert answer.cookies[TOKEN]["max-age"] == str(WEEK)
    # Its header says so: encrypted.
    assert answer.cookies[DATA].value.count(".") == 4
    shown = api.get("/get-session").json()
    assert shown["session"]["token"] == answer.json()["token"]
    assert shown["session"]["userId"] == shown["user"]["id"] == str(alice().pk)
    assert set(shown) == {"session", "user"}
    assert api.get("/list-sessions").json() == [shown["session"]]


@pytest.mark.parametrize("strategy", ["compact", "jwt"])
def test_the_other_encodings_work_too(api: Api, settings: Any, strategy: str) -> None:
    switch_on(settings, STRATEGY=strategy)
    api.sign_up()
    assert who(api) == "alice@example.com"
    assert asked(api, "/get-session") == []


def test_a_long_one_is_split(api: Api) -> None:
    api.sign_up(image="https://example.com/" + "x" * 6000)
    parts = sorted(name for name in api.client.cookies if DATA in name)
    assert parts[:2] == [f"{DATA}.0", f"{DATA}.1"]
    assert who(api) == "alice@example.com"
    assert asked(api, "/get-session") == []
    del api.client.cookies[f"{DATA}.1"]
    assert who(api) is None


def test_what_is_not_genuine_is_refused(api: Api) -> None:
    api.sign_up()
    genuine = api.client.cookies[DATA].value
    content = content_of(api)
    head, _key, iv, sealed, tag = genuine.split(".")
    flipped = ("A" if sealed[0] != "A" else "B") + sealed[1:]
    header_of_other = encode_content(
        content, strategy="jwe", secret="y" * 40, max_age=WEEK, now=time.time()
    )
    forged = {
        "tampered": ".".join((head, "", iv, flipped, tag)),
        "other secret": header_of_other,
        "run out": encode_content(
            content, strategy="jwe", secret=SECRET, max_age=60, now=time.time() - 90
        ),
        "of another encoding": encode_content(
            content, strategy="jwt", secret=SECRET, max_age=WEEK, now=time.time()
        ),
        "without encryption": encode_content(
            content, strategy="compact", secret=SECRET, max_age=WEEK, now=time.time()
        ),
        "nothing": "",
        "noise": "a.b.c.d.e",
    }
    for kind, value in forged.items():
        thief = copy_of(api)
        thief.client.cookies[DATA] = value
        assert who(thief) is None, kind
        thief = copy_of(api)
        thief.client.cookies[DATA] = value
        assert thief.get("/list-sessions").status_code == 401, kind
    assert who(api) == "alice@example.com"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("id", "x"),
        ("userId", "not-a-uuid"),
        ("createdAt", "yesterday"),
        ("createdAt", None),
        ("expiresAt", "2000-01-01T00:00:00.000Z"),
        ("token", "x" * 32),
    ],
)
def test_a_genuine_cookie_of_another_form_is_no_session(
    api: Api, member: str, value: str | None
) -> None:
    api.sign_up()
    content = content_of(api)
    content["session"][member] = value
    give(api, content)
    assert who(api) is None


def test_a_dead_one_is_removed(api: Api) -> None:
    api.sign_up()
    api.client.cookies[DATA] = "noise"
    answer = api.get("/get-session")
    assert answer.json() is None
    assert {answer.cookies[name]["max-age"] for name in (DATA, TOKEN)} == {"0"}


def test_each_cookie_needs_the_other(api: Api) -> None:
    api.sign_up()
    without_data, without_token = copy_of(api), copy_of(api)
    del without_data.client.cookies[DATA]
    del without_token.client.cookies[TOKEN]
    assert who(without_data) is None
    assert who(without_token) is None
    bob = Api()
    bob.sign_up("bob@example.com")
    bob.client.cookies[DATA] = api.client.cookies[DATA].value
    assert who(bob) is None


def test_a_token_alone_carries_no_session(api: Api) -> None:
    token = api.sign_up().json()["token"]
    stranger = Api()
    headers = {"authorization": f"Bearer {token}"}
    assert stranger.get("/get-session", **headers).json() is None
    assert stranger.get("/list-sessions", **headers).status_code == 401


def test_a_new_version_ends_all(api: Api, settings: Any) -> None:
    api.sign_up()
    switch_on(settings, VERSION="2")
    assert who(api) is None


def test_a_copy_of_a_stored_session_is_no_session(api: Api, settings: Any) -> None:
    cookies = {"ENABLED": True, "STRATEGY": "jwe", "MAX_AGE": WEEK}
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SESSION": {"COOKIE_CACHE": cookies}}
    api.sign_up()
    assert who(api) == "alice@example.com"
    kept = copy_of(api)
    switch_on(settings)
    assert who(kept) is None
    other = sign_in()
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SESSION": {"COOKIE_CACHE": cookies}}
    assert who(other) is None
    assert who(api) == "alice@example.com"


def test_a_stored_token_is_no_session_here(api: Api) -> None:
    api.sign_up()
    stored = Session.objects.create(user=alice(), expires_at=timezone.now() + timedelta(days=1))
    headers = {"authorization": f"Bearer {stored.token}"}
    assert Api().get("/get-session", **headers).json() is None


def test_other_origins_cannot_use_it(api: Api) -> None:
    api.sign_up()
    elsewhere = copy_of(api)
    elsewhere.origin = "https://evil.example"
    assert elsewhere.post("/update-user", {"name": "X"}).status_code == 403
    assert alice().name == "Alice"
