from __future__ import annotations

from typing import Any

import pytest

from django_jazzauth.contrib.multi_session.device import cookie_of
from django_jazzauth.contrib.multi_session.plugin import MultiSessionPlugin
from django_jazzauth.models import Session
from tests.api.conftest import Api
from tests.api.plugin_setup import install
from tests.contrib.replaying import assert_same, replay_flows

INVALID = {"message": "Invalid session token", "code": "INVALID_SESSION_TOKEN"}
SESSION = "better-auth.session_token"


def test_recorded_exchanges() -> None:
    assert_same(replay_flows("multi-session", "multi-session"), 15)


def test_codes_are_those_of_better_auth(codes: dict[str, dict[str, str]]) -> None:
    assert MultiSessionPlugin.messages.items() <= codes["multi-session"].items()


def names(browser: Api) -> list[str]:
    """Whose accounts a browser can switch between."""
    listed = browser.get("/multi-session/list-device-sessions").json()
    return [entry["user"]["name"] for entry in listed]


def kept(browser: Api) -> list[str]:
    """The names of the cookies that a browser keeps, one per session."""
    cookies = browser.client.cookies.items()
    return [name for name, morsel in cookies if "_multi-" in name and morsel.value]


@pytest.fixture
def tokens(api: Api) -> list[str]:
    """Tokens of Ann, Ben and Cat, who share a browser; Cat is active."""
    people = ("Ann", "Ben", "Cat")
    return [api.sign_up(f"{n}@example.com".lower(), name=n).json()["token"] for n in people]


def test_switching(api: Api, tokens: list[str]) -> None:
    assert names(api) == ["Ann", "Ben", "Cat"]
    for token, name in zip(tokens, ("Ann", "Ben", "Cat"), strict=True):
        answer = api.post("/multi-session/set-active", {"sessionToken": token})
        assert answer.json()["user"]["name"] == name
        assert api.get("/get-session").json()["user"]["name"] == name
    assert len(kept(api)) == 3


def test_a_session_is_reached_by_its_own_cookie_only(api: Api, tokens: list[str]) -> None:
    stranger = Api()
    victim = stranger.sign_up("victim@example.com", name="Victim").json()["token"]
    for path in ("/multi-session/set-active", "/multi-session/revoke"):
        answer = api.post(path, {"sessionToken": victim})
        assert (answer.status_code, answer.json()) == (401, INVALID)
    assert Session.objects.filter(token=victim).exists()
    assert "Victim" not in names(api)


@pytest.mark.parametrize("forgery", ["unsigned", "signed for another name", "signature cut"])
def test_forged_cookies_count_for_nothing(api: Api, tokens: list[str], forgery: str) -> None:
    victim = Api().sign_up("victim@example.com", name="Victim").json()["token"]
    own = api.client.cookies[f"better-auth.{cookie_of(tokens[0])}"].value
    value = {
        "unsigned": victim,
        "signed for another name": own,
        "signature cut": own[:-4].replace(tokens[0], victim),
    }[forgery]
    api.client.cookies[f"better-auth.{cookie_of(victim)}"] = value
    for path in ("/multi-session/set-active", "/multi-session/revoke"):
        assert api.post(path, {"sessionToken": victim}).status_code == 401
    assert names(api) == ["Ann", "Ben", "Cat"]
    api.post("/sign-out")
    assert list(Session.objects.values_list("token", flat=True)) == [victim]


def test_somebody_signed_out_cannot_switch(api: Api, tokens: list[str]) -> None:
    del api.client.cookies[SESSION]
    answer = api.post("/multi-session/set-active", {"sessionToken": tokens[0]})
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")


def test_a_dead_session_is_not_switched_to(api: Api, tokens: list[str]) -> None:
    Session.objects.get(token=tokens[0]).delete()
    answer = api.post("/multi-session/set-active", {"sessionToken": tokens[0]})
    assert (answer.status_code, answer.json()) == (401, INVALID)
    assert answer.cookies[f"better-auth.{cookie_of(tokens[0])}"]["max-age"] == "0"
    assert names(api) == ["Ben", "Cat"]


def test_the_token_must_be_written_as_it_is(api: Api, tokens: list[str]) -> None:
    answer = api.post("/multi-session/revoke", {"sessionToken": tokens[0].swapcase()})
    assert (answer.status_code, answer.json()) == (401, INVALID)
    assert Session.objects.count() == 3


def test_signing_one_account_out(api: Api, tokens: list[str]) -> None:
    api.post("/multi-session/revoke", {"sessionToken": tokens[2]})
    assert api.get("/get-session").json()["user"]["name"] == "Ann"
    api.post("/multi-session/revoke", {"sessionToken": tokens[0]})
    api.post("/multi-session/revoke", {"sessionToken": tokens[1]})
    assert api.get("/get-session").json() is None
    assert not Session.objects.exists()
    assert not api.client.cookies[SESSION].value


def test_signing_out_ends_all(api: Api, tokens: list[str]) -> None:
    elsewhere = Api()
    elsewhere.post(
        "/sign-in/email", {"email": "ann@example.com", "password": "correct-horse-battery"}
    )
    api.post("/sign-out")
    assert kept(api) == []
    assert names(api) == []
    assert elsewhere.get("/get-session").json()["user"]["name"] == "Ann"


def test_five_at_most(api: Api) -> None:
    for number in range(6):
        api.sign_up(f"user{number}@example.com", name=f"User {number}")
    assert len(kept(api)) == 5
    assert names(api) == [f"User {number}" for number in range(5)]
    # The sixth is signed in all the same.
    assert api.get("/get-session").json()["user"]["name"] == "User 5"


def test_how_many_is_a_setting(api: Api, settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "MULTI_SESSION": {"MAXIMUM_SESSIONS": 1}}
    api.sign_up("a@example.com", name="A")
    api.sign_up("b@example.com", name="B")
    assert names(api) == ["A"]


def test_ended_sessions_make_room(api: Api, settings: Any, tokens: list[str]) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "MULTI_SESSION": {"MAXIMUM_SESSIONS": 3}}
    Session.objects.get(token=tokens[1]).delete()
    api.sign_up("dan@example.com", name="Dan")
    assert names(api) == ["Ann", "Cat", "Dan"]
    assert len(kept(api)) == 3


def test_one_entry_per_user(api: Api) -> None:
    api.sign_up("ann@example.com", name="Ann")
    api.post("/sign-in/email", {"email": "ann@example.com", "password": "correct-horse-battery"})
    assert names(api) == ["Ann"]


def test_cookies_of_an_https_site(api: Api, settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "BASE_URL": "https://example.org"}
    api.origin = "https://example.org"
    token = api.sign_up(name="Ann").json()["token"]
    name = f"__Secure-better-auth.session_token_multi-{token.lower()}"
    assert api.client.cookies[name]["secure"]
    assert names(api) == ["Ann"]


def test_without_the_plugin_there_is_one_cookie(api: Api, settings: Any) -> None:
    install(settings)
    assert list(api.sign_up().cookies) == [SESSION]
