"""How long the cookie is believed, and when it is made anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model

from django_jazzauth.models import Session

from ..conftest import Api
from .browser import (
    DATA,
    TOKEN,
    WEEK,
    age,
    alice,
    asked,
    content_of,
    give,
    sign_in,
    switch_on,
    who,
)


def test_renewed_when_a_fifth_is_left(api: Api) -> None:
    api.sign_up()
    get_user_model().objects.update(name="New")
    age(api, seconds=WEEK * 8 // 10 - 60)
    answer = api.get("/get-session")
    assert DATA not in answer.cookies
    assert answer.json()["user"]["name"] == "Alice"
    token = answer.json()["session"]["token"]
    age(api, seconds=120)
    unchanged = api.get("/get-session?disableRefresh=1")
    assert DATA not in unchanged.cookies
    answer = api.get("/get-session")
    assert answer.cookies[DATA].value
    assert answer.cookies[TOKEN]["max-age"] == str(WEEK)
    assert answer.json()["user"]["name"] == "New"
    session = answer.json()["session"]
    assert session["token"] == token
    left = datetime.fromisoformat(session["expiresAt"]) - datetime.now(UTC)
    assert WEEK - 10 < left.total_seconds() <= WEEK
    assert asked(api, "/get-session") == []
    assert not Session.objects.exists()


def test_the_user_may_be_read_more_often(api: Api, settings: Any) -> None:
    switch_on(settings, UPDATE_AGE=WEEK - 300)
    api.sign_up()
    get_user_model().objects.update(name="New")
    assert api.get("/get-session").json()["user"]["name"] == "Alice"
    age(api, seconds=301)
    assert api.get("/get-session").json()["user"]["name"] == "New"


def test_a_session_lives_no_longer_than_its_cookie(api: Api, settings: Any) -> None:
    switch_on(settings, MAX_AGE=600)
    answer = api.sign_up()
    assert answer.cookies[TOKEN]["max-age"] == "600"
    session = api.get("/get-session").json()["session"]
    left = datetime.fromisoformat(session["expiresAt"]) - datetime.now(UTC)
    assert left <= timedelta(seconds=600)
    age(api, seconds=600)
    assert who(api) is None


def test_one_that_ends_with_the_browser(api: Api, settings: Any) -> None:
    api.sign_up()
    brief = sign_in(rememberMe=False)
    assert brief.client.cookies[DATA]["max-age"] == ""
    end = content_of(brief)["session"]["expiresAt"]
    # Renewed, but not prolonged.
    switch_on(settings, UPDATE_AGE=WEEK - 300)
    content = content_of(brief)
    content["updatedAt"] -= 301_000
    give(brief, content)
    get_user_model().objects.update(name="New")
    answer = brief.get("/get-session")
    assert answer.json()["user"]["name"] == "New"
    assert answer.json()["session"]["expiresAt"] == end
    assert answer.cookies[DATA]["max-age"] == answer.cookies[TOKEN]["max-age"] == ""
    age(brief, seconds=86_401)
    assert who(brief) is None


def test_a_change_shows_at_once(api: Api) -> None:
    api.sign_up()
    answer = api.post("/update-user", {"name": "Alicia"})
    assert answer.cookies[DATA].value
    assert api.get("/get-session").json()["user"]["name"] == "Alicia"
    assert asked(api, "/get-session") == []


def test_the_database_can_be_asked(api: Api) -> None:
    api.sign_up()
    get_user_model().objects.update(name="New")
    end = content_of(api)["session"]["expiresAt"]
    answer = api.get("/get-session?disableCookieCache=1")
    assert answer.json()["user"]["name"] == "New"
    assert content_of(api)["user"]["name"] == "New"
    assert content_of(api)["session"]["expiresAt"] == end
    alice().delete()
    assert api.get("/get-session?disableCookieCache=1").json() is None


def test_who_reads_the_user_corrects_the_cookie(api: Api) -> None:
    api.sign_up()
    get_user_model().objects.update(name="New")
    assert api.get("/get-session").json()["user"]["name"] == "Alice"
    answer = api.get("/list-accounts")
    assert answer.cookies[DATA].value
    assert api.get("/get-session").json()["user"]["name"] == "New"
    assert DATA not in api.get("/list-accounts").cookies
