from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from django_jazzauth.conf import ImproperJazzAuthSettings, read_settings
from django_jazzauth.contrib.username.names import user_named
from django_jazzauth.contrib.username.plugin import UsernamePlugin
from django_jazzauth.models import User
from tests.api.conftest import Api
from tests.api.mailbox import letters
from tests.api.plugin_setup import install
from tests.contrib.replaying import assert_same, replay_flows

PASSWORD = "correct-horse-battery"
WRONG = {"message": "Invalid username or password", "code": "INVALID_USERNAME_OR_PASSWORD"}


def test_recorded_exchanges() -> None:
    assert_same(replay_flows("username", "sign-up", "sign-in", "availability", "update"), 20)


def test_codes_are_those_of_better_auth(codes: dict[str, dict[str, str]]) -> None:
    assert UsernamePlugin.messages.items() <= codes["username"].items()


def test_the_name_is_djangos_too(api: Api) -> None:
    api.sign_up(username="Alice_B")
    user = User.objects.get()
    assert (user.username, user.display_username) == ("alice_b", "Alice_B")
    assert authenticate(username="alice_b", password=PASSWORD) == user
    assert User.objects.get_by_natural_key("alice_b") == user


def test_a_user_without_a_name_shows_none(api: Api) -> None:
    user = api.sign_up().json()["user"]
    assert user["username"] is None
    assert user["displayUsername"] is None


def test_the_shown_form_can_be_changed_alone(api: Api) -> None:
    api.sign_up(username="alice")
    assert api.post("/update-user", {"displayUsername": "Queen Alice"}).json() == {"status": True}
    user = api.get("/get-session").json()["user"]
    assert (user["username"], user["displayUsername"]) == ("alice", "Queen Alice")


def test_users_made_by_django_can_sign_in() -> None:
    User.objects.create_user("Bob", "bob@example.com", PASSWORD)
    body = {"username": "bob", "password": PASSWORD}
    user = Api().post("/sign-in/username", body).json()["user"]
    assert (user["username"], user["displayUsername"]) == ("bob", "Bob")
    assert Api().post("/is-username-available", {"username": "BOB"}).json() == {"available": False}


def test_names_that_differ_in_case_only() -> None:
    first = User.objects.create_user("Carol", "carol1@example.com", PASSWORD)
    second = User.objects.create_user("CAROL", "carol2@example.com", PASSWORD)
    assert user_named("Carol") == first
    assert user_named("CAROL") == second
    assert user_named("carol") is None
    third = User.objects.create_user("carol", "carol3@example.com", PASSWORD)
    assert user_named("cArol") == third


def test_one_s_own_name_is_not_taken(api: Api) -> None:
    api.sign_up(username="alice")
    assert api.post("/update-user", {"username": "ALICE"}).json() == {"status": True}
    assert api.post("/is-username-available", {"username": "alice"}).json() == {"available": False}


@pytest.mark.parametrize(
    "name", ["a b", "a-b", "a@b.c", "älice", "ａｌｉｃｅ", "a\nb", "+abc", "ab\x7f"]
)
def test_other_characters_are_refused(api: Api, name: str) -> None:
    answer = api.sign_up(username=name)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_USERNAME")
    assert not User.objects.exists()


def test_lengths_are_settings(api: Api, settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "USERNAME": {"MIN_LENGTH": 5, "MAX_LENGTH": 6}}
    assert api.sign_up(username="four").json()["code"] == "USERNAME_TOO_SHORT"
    assert api.sign_up(username="sevennn").json()["code"] == "USERNAME_TOO_LONG"
    assert api.sign_up(username="sixsix").status_code == 200
    with pytest.raises(ImproperJazzAuthSettings, match="no name would do"):
        read_settings({"USERNAME": {"MIN_LENGTH": 5, "MAX_LENGTH": 4}})


def test_an_unknown_name_costs_what_a_known_one_costs(api: Api) -> None:
    api.sign_up(username="alice")
    costs = []
    for name in ("alice", "nobody"):
        with CaptureQueriesContext(connection) as queries:
            body = {"username": name, "password": "wrong-password"}
            answer = Api().post("/sign-in/username", body)
        assert (answer.status_code, answer.json()) == (401, WRONG)
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_nothing_typed_is_wrong(api: Api) -> None:
    for body in ({"username": "", "password": PASSWORD}, {"username": "alice", "password": ""}):
        answer = api.post("/sign-in/username", body)
        assert (answer.status_code, answer.json()) == (401, WRONG)


def test_an_address_must_be_verified_first(api: Api, settings: Any) -> None:
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "EMAIL_VERIFICATION": {"REQUIRED": True, "SEND_ON_SIGN_IN": True},
    }
    signed_up = api.sign_up(username="alice").json()
    assert signed_up["token"] is None
    # Whether the address has an account is not told: the answer for one that has looks the same.
    again = Api().sign_up(username="alice2").json()
    assert again["token"] is None
    assert again["user"]["username"] == "alice2"
    assert again["user"].keys() == signed_up["user"].keys()
    sent = len(letters())
    answer = api.post("/sign-in/username", {"username": "alice", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (403, "EMAIL_NOT_VERIFIED")
    assert len(letters()) == sent + 1


def test_without_the_plugin_the_member_is_ignored(api: Api, settings: Any) -> None:
    install(settings)
    user = api.sign_up(username="alice").json()["user"]
    assert "username" not in user
    assert User.objects.get().public_username is None
    assert api.post("/sign-in/username", {}).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_two_who_choose_one_name_at_once(settings: Any) -> None:
    answers: list[Any] = []
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "HOOKS": {"user.create.before": f"{__name__}.wait_for_the_other"},
    }

    def sign_up(email: str) -> None:
        try:
            answers.append(Api().sign_up(email, username="wanted"))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=sign_up, args=(f"{n}@example.com",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    (refused,) = [answer.json() for answer in answers if answer.status_code == 400]
    assert refused["code"] == "USERNAME_IS_ALREADY_TAKEN"
    assert User.objects.count() == 1


_both = threading.Barrier(2)


def wait_for_the_other(data: dict[str, Any], write: Any) -> None:
    """Lets both look before either writes."""
    _both.wait(timeout=30)
