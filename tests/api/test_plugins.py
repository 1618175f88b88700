"""The seam: what a plugin can add, that nothing stays of it, and conflicts that are refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import path

from django_jazzauth.api.endpoint import Endpoint
from django_jazzauth.api.fields import StringField
from django_jazzauth.api.plugin_checks import check_plugins, conflicts
from django_jazzauth.api.plugins import Member, Plugin, Registry, installed
from django_jazzauth.api.serializers import SignUpEmailBody
from django_jazzauth.api.throttling import rule_for
from django_jazzauth.models import Session, User
from tests.plugin_app.plugin import EverythingPlugin, WaveView

from .conftest import Api
from .plugin_setup import EVERYTHING, install

PASSWORD = "correct-horse-battery"


@pytest.fixture
def everything(settings: Any) -> None:
    install(settings, EVERYTHING)


@pytest.fixture
def knocking(everything: None, api: Api) -> Api:
    api.sign_up(lastName="smith")
    return api


# -- what it adds -----------------------------------------------------------------------------


def test_paths_of_a_plugin_come_before_the_answer_to_unknown_ones(knocking: Api) -> None:
    assert knocking.get("/wave").json() == {"hello": "Alice"}
    assert knocking.get("/wave/").status_code == 404


def test_members_of_bodies_users_and_sessions(everything: None, api: Api) -> None:
    signed_up = api.sign_up(lastName="smith", userAgent="ignored")
    assert signed_up.json()["user"]["lastName"] == "Smith"
    shown = api.get("/get-session", user_agent="Firefox").json()
    assert shown["user"]["lastName"] == "Smith"
    assert shown["session"]["device"] == ""

    assert api.post("/update-user", {"lastName": "jones"}).json() == {"status": True}
    assert User.objects.get().last_name == "Jones"
    refused = api.post("/update-user", {"lastName": "x" * 21})
    assert refused.json()["message"].startswith("[body.lastName] Too big")
    assert api.post("/update-user", {"lastNames": "x"}).json() == {"message": "No fields to update"}


def test_values_that_another_has(knocking: Api) -> None:
    taken = {"message": "Another has this name", "code": "SURNAME_TAKEN"}
    answer = Api().sign_up("bob@example.com", lastName="taken")
    assert (answer.status_code, answer.json()) == (409, taken)
    answer = knocking.post("/update-user", {"lastName": "taken"})
    assert (answer.status_code, answer.json()) == (409, taken)
    assert User.objects.get().last_name == "Smith"


def test_what_a_plugin_keeps_elsewhere_is_written_with_the_user_or_neither(knocking: Api) -> None:
    answer = Api().sign_up("bob@example.com", lastName="unlucky")
    assert answer.status_code == 409
    assert User.objects.count() == 1
    assert Session.objects.count() == 1
    assert knocking.post("/update-user", {"lastName": "unlucky", "name": "B"}).status_code == 409
    assert (User.objects.get().last_name, User.objects.get().name) == ("Smith", "Alice")


def test_hooks_around_writes(everything: None, api: Api) -> None:
    answer = api.sign_up()
    assert User.objects.get().first_name == "By plugin"
    assert answer["X-Written"] == "user.create,account.create,session.create"


def test_a_request_can_be_refused(everything: None, api: Api) -> None:
    answer = api.get("/get-session", x_weather="rain")
    assert answer.status_code == 403
    assert answer.json() == {"message": "Not today", "code": "NOT_TODAY"}


def test_a_sign_in_can_be_interrupted_before_a_session_is_open(everything: None) -> None:
    answer = Api().sign_up(lastName="twice")
    assert answer.json() == {"knock": "again", "factor": "password"}
    assert list(answer.cookies) == ["better-auth.knocked"]
    assert answer["X-Method"] == "not yet email"
    assert Session.objects.count() == 0

    body = {"email": "alice@example.com", "password": PASSWORD}
    assert Api().post("/sign-in/email", body).json() == {"knock": "again", "factor": "password"}
    assert Session.objects.count() == 0


def test_a_sign_in_is_followed(everything: None, api: Api) -> None:
    assert api.sign_up()["X-Method"] == "email"


def test_cookies_beside_the_session_cookie(everything: None, api: Api) -> None:
    signed_up = api.sign_up()
    token = signed_up.json()["token"]
    assert signed_up.cookies["better-auth.shadow"].value.startswith(token)
    assert api.post("/update-user", {"name": "A"}).cookies.keys() >= {"better-auth.shadow"}
    assert "better-auth.shadow" not in api.get("/get-session").cookies
    assert api.post("/sign-out").cookies["better-auth.shadow"]["max-age"] == "0"


def test_a_session_that_a_plugin_vouches_for(everything: None, api: Api) -> None:
    api.sign_up()
    visitor = Api()
    answer = visitor.get("/get-session", x_door_key="alice@example.com")
    assert answer.json()["user"]["email"] == "alice@example.com"
    assert not answer.cookies
    assert visitor.get("/wave", x_door_key="alice@example.com").json() == {"hello": "Alice"}
    assert visitor.get("/get-session", x_door_key="nobody@example.com").json() is None
    assert Session.objects.count() == 1


def test_a_session_that_a_plugin_vouches_for_gets_no_cookie(
    everything: None, api: Api, settings: Any
) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SESSION": {"COOKIE_CACHE": {"ENABLED": True}}}
    api.sign_up()
    visitor = Api()
    key = {"x_door_key": "alice@example.com"}
    assert visitor.post("/update-user", {"name": "B"}, **key).json() == {"status": True}
    assert visitor.get("/get-session", **key).json()["user"]["name"] == "B"
    assert not visitor.client.cookies


def test_a_key_comes_before_the_cookie(everything: None, api: Api) -> None:
    api.sign_up()
    Api().sign_up("bob@example.com")
    answer = api.get("/get-session", x_door_key="bob@example.com")
    assert answer.json()["user"]["email"] == "bob@example.com"


def test_rate_limits(everything: None, settings: Any) -> None:
    rule = rule_for("/wave")
    assert rule is not None
    assert (rule.window, rule.most) == (30, 2)
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RATE_LIMIT": {"RULES": {"/wave": None}}}
    assert rule_for("/wave") is None


# -- the registry -----------------------------------------------------------------------------


def test_plugins_come_in_the_order_of_installed_apps(settings: Any) -> None:
    bearer, jwt = "django_jazzauth.contrib.bearer", "django_jazzauth.contrib.jwt"
    install(settings, jwt, EVERYTHING, bearer)
    assert [plugin.name for plugin in installed().plugins] == ["jwt", "everything", "bearer"]
    install(settings, bearer)
    assert [plugin.name for plugin in installed().plugins] == ["bearer"]


def test_nothing_stays_of_a_plugin(api: Api) -> None:
    """Runs after those that installed one, in the same process."""
    assert "everything" not in [plugin.name for plugin in installed().plugins]
    assert "lastName" not in api.sign_up().json()["user"]
    assert api.get("/wave").status_code == 404


def test_only_methods_that_a_plugin_overrides_are_called() -> None:
    class Silent(Plugin):
        name = "silent"

    assert Registry([Silent()]).before_request == ()
    assert Registry([Silent()]).answered == ()
    assert len(Registry([Silent(), EverythingPlugin()]).answered) == 1


def test_plugins_are_looked_up_once(api: Api) -> None:
    assert installed() is installed()


# -- conflicts --------------------------------------------------------------------------------


class Clashing(Plugin):
    name = "everything"
    urlpatterns = (
        path("wave", WaveView.as_view()),
        path("ok", WaveView.as_view()),
        path("callback/wave", WaveView.as_view()),
        path("wave/<str:who>", WaveView.as_view()),
    )
    user_members = {name: Member(str, {}) for name in ("lastName", "email", "nickname")}
    session_members = {"device": Member(str, {}), "token": Member(str, {})}
    body_fields = {SignUpEmailBody: {"last_name": StringField(), "email": StringField()}}


def test_conflicts_are_errors() -> None:
    found = conflicts([EverythingPlugin(), Clashing()])
    assert [(message.id, message.msg) for message in found] == [
        ("jazzauth.E041", "Two plugins have the name 'everything'."),
        (
            "jazzauth.E042",
            "The path 'wave' of the plugin 'everything' belongs to the plugin 'everything'.",
        ),
        ("jazzauth.E042", "The path 'ok' of the plugin 'everything' belongs to the core."),
        (
            "jazzauth.E042",
            "The path 'callback/wave' of the plugin 'everything' belongs to the core.",
        ),
        *(
            (
                "jazzauth.E043",
                f"The member {member!r} that the plugin 'everything' adds to a {kind} belongs to "
                f"{owner}.",
            )
            for member, kind, owner in (
                ("lastName", "user", "the plugin 'everything'"),
                ("email", "user", "the core"),
                ("device", "session", "the plugin 'everything'"),
                ("token", "session", "the core"),
            )
        ),
        *(
            (
                "jazzauth.E044",
                f"The field {field!r} that the plugin 'everything' adds to SignUpEmailBody belongs "
                f"to {owner}.",
            )
            for field, owner in (
                ("last_name", "the plugin 'everything'"),
                ("email", "the core"),
            )
        ),
    ]


def test_one_plugin_alone_is_fine(everything: None) -> None:
    assert check_plugins() == []


@pytest.mark.parametrize(
    ("config", "why"),
    [("MissingConfig", "cannot be imported"), ("WrongConfig", "is not a subclass of Plugin")],
)
def test_a_plugin_that_cannot_be_loaded(settings: Any, config: str, why: str) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, f"tests.plugin_app.apps.{config}"]
    (found,) = check_plugins()
    assert found.id == "jazzauth.E040"
    assert why in found.msg
    assert Endpoint.__name__ not in found.msg
