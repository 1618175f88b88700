from __future__ import annotations

from typing import Any

from tests.api.conftest import Api
from tests.api.plugin_setup import EVERYTHING, install
from tests.contrib.replaying import assert_same, replay_flows

COOKIE = "better-auth.last_used_login_method"
PASSWORD = "correct-horse-battery"


def test_recorded_exchanges() -> None:
    Api().sign_up("jwt@example.com", name="Jwt")
    Api().sign_up(
        "user3@example.com", name="User Three", username="UserThree", displayUsername="The Third"
    )
    assert_same(replay_flows("last-login-method", "last-login-method"), 2)


def test_scripts_can_read_it(api: Api) -> None:
    morsel = api.sign_up().cookies[COOKIE]
    assert morsel.OutputString() == f"{COOKIE}=email; Max-Age=2592000; Path=/; SameSite=Lax"


def test_no_prefix_over_https(api: Api, settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "BASE_URL": "https://example.org"}
    api.origin = "https://example.org"
    morsel = api.sign_up().cookies[COOKIE]
    assert morsel["secure"]
    assert not morsel["httponly"]


def test_its_life_is_a_setting(api: Api, settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "LAST_LOGIN_METHOD": {"MAX_AGE": 60}}
    assert api.sign_up().cookies[COOKIE]["max-age"] == "60"


def test_it_outlives_the_session(api: Api) -> None:
    api.sign_up()
    api.post("/sign-out")
    assert api.client.cookies[COOKIE].value == "email"


def test_a_failed_sign_in_sets_nothing(api: Api) -> None:
    Api().sign_up()
    body = {"email": "alice@example.com", "password": "wrong-password"}
    assert COOKIE not in api.post("/sign-in/email", body).cookies


def test_it_is_set_before_a_second_factor(api: Api, settings: Any) -> None:
    install(settings, EVERYTHING, "django_jazzauth.contrib.last_login_method")
    answer = api.sign_up(lastName="twice")
    assert "token" not in answer.json()
    assert answer.cookies[COOKIE].value == "email"
