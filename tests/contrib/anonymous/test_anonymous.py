from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from django_jazzauth.contrib.anonymous.plugin import AnonymousPlugin
from django_jazzauth.contrib.anonymous.signals import anonymous_linked
from django_jazzauth.models import Account, Session, User
from django_jazzauth.store import store
from tests.api.conftest import Api
from tests.api.transcripts import VOLATILE, Replay, flow
from tests.contrib.replaying import assert_same
from tests.testapp.models import Patient

PASSWORD = "correct-horse-battery"


def test_recorded_exchanges(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = r"[a-z0-9]{32}@anonymous\.placeholder\.invalid|ex-anon@example\.com"
    monkeypatch.setitem(VOLATILE, "email", re.compile(made_up))
    replay = Replay()
    for exchange in flow("anonymous", "anonymous"):
        if exchange.step == "delete when not a guest":
            replay.become(exchange, "member@example.com")
        replay.play(exchange)
    assert_same(replay, 12)


def test_codes_are_those_of_better_auth(codes: dict[str, dict[str, str]]) -> None:
    assert AnonymousPlugin.messages.items() <= codes["anonymous"].items()


def test_a_guest_is_a_user_without_a_way_back(api: Api) -> None:
    answer = api.post("/sign-in/anonymous")
    guest = User.objects.get()
    assert guest.is_guest
    assert not guest.is_anonymous  # Django's word for somebody who is not signed in
    assert not guest.has_usable_password()
    assert not Account.objects.exists()
    assert re.fullmatch(r"[a-z0-9]{32}@anonymous\.placeholder\.invalid", guest.email)
    assert answer.json()["user"]["id"] == str(guest.pk)
    assert api.get("/get-session").json()["user"]["isAnonymous"] is True


def test_the_domain_is_a_setting(api: Api, settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "ANONYMOUS": {"EMAIL_DOMAIN": "guests.invalid"}}
    email = api.post("/sign-in/anonymous").json()["user"]["email"]
    assert email.endswith("@guests.invalid")


def test_nobody_becomes_a_guest_by_asking(api: Api) -> None:
    assert api.sign_up(isAnonymous=True).json()["user"]["isAnonymous"] is False
    assert api.post("/update-user", {"isAnonymous": True, "isGuest": True}).status_code == 400


@pytest.fixture
def moved() -> Iterator[list[tuple[Any, Any]]]:
    """What a project does: it moves what a guest has to the account."""
    heard: list[tuple[Any, Any]] = []

    def move(sender: Any, guest: Any, user: Any, request: Any, **kwargs: Any) -> None:
        assert request.path.startswith("/api/auth/sign-")
        heard.append((guest.pk, user.pk))
        Patient.objects.filter(owner=guest).update(owner=user)

    anonymous_linked.connect(move)
    yield heard
    anonymous_linked.disconnect(move)


@pytest.mark.parametrize("way", ["sign up", "sign in", "username", "bearer"])
def test_what_a_guest_made_is_moved(api: Api, moved: list[tuple[Any, Any]], way: str) -> None:
    body = {"email": "member@example.com", "password": PASSWORD}
    if way != "sign up":
        Api().sign_up("member@example.com", username="member")
    guest_token = api.post("/sign-in/anonymous").json()["token"]
    guest = User.objects.get(is_guest=True)
    Patient.objects.create(owner=guest, record_no="1")

    if way == "sign up":
        answer = api.sign_up("member@example.com")
    elif way == "sign in":
        answer = api.post("/sign-in/email", body)
    elif way == "username":
        answer = api.post("/sign-in/username", {"username": "member", "password": PASSWORD})
    else:
        answer = Api().post("/sign-in/email", body, authorization=f"Bearer {guest_token}")

    assert answer.status_code == 200
    member = User.objects.get()
    assert Patient.objects.get().owner == member
    assert moved == [(guest.pk, member.pk)]
    assert Session.objects.filter(token=guest_token).count() == 0
    assert store.history(guest)[-1].type == "deleted"
    assert answer.json()["user"]["isAnonymous"] is False


def test_a_guest_stays_where_moving_fails(api: Api) -> None:
    api.post("/sign-in/anonymous")
    guest = User.objects.get()
    Patient.objects.create(owner=guest, record_no="1")

    def fail(sender: Any, guest: Any, user: Any, **kwargs: Any) -> None:
        Patient.objects.filter(owner=guest).update(owner=user)
        raise RuntimeError("no room")

    anonymous_linked.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            api.sign_up("member@example.com")
    finally:
        anonymous_linked.disconnect(fail)
    assert Patient.objects.get().owner == guest
    # The account is there; signing in to it with the guest's cookie is the second try.
    api.post("/sign-in/email", {"email": "member@example.com", "password": PASSWORD})
    assert not User.objects.filter(is_guest=True).exists()


def test_a_guest_can_be_kept(api: Api, settings: Any, moved: list[tuple[Any, Any]]) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "ANONYMOUS": {"DELETE_ON_LINK": False}}
    api.post("/sign-in/anonymous")
    api.sign_up("member@example.com")
    assert len(moved) == 1
    assert User.objects.filter(is_guest=True).count() == 1


def test_a_wrong_password_links_nothing(api: Api, moved: list[tuple[Any, Any]]) -> None:
    Api().sign_up("member@example.com")
    api.post("/sign-in/anonymous")
    body = {"email": "member@example.com", "password": "wrong-password"}
    assert api.post("/sign-in/email", body).status_code == 401
    assert moved == []
    assert User.objects.filter(is_guest=True).exists()


def test_a_member_who_signs_in_again_links_nothing(api: Api, moved: list[tuple[Any, Any]]) -> None:
    api.sign_up("member@example.com")
    api.post("/sign-in/email", {"email": "member@example.com", "password": PASSWORD})
    assert moved == []
    assert User.objects.count() == 1


def test_a_member_may_become_a_guest_beside(api: Api, moved: list[tuple[Any, Any]]) -> None:
    api.sign_up("member@example.com")
    assert api.post("/sign-in/anonymous").json()["user"]["isAnonymous"] is True
    assert User.objects.count() == 2
    assert moved == []


def test_deleting_can_be_switched_off(api: Api, settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "ANONYMOUS": {"ALLOW_DELETE": False}}
    api.post("/sign-in/anonymous")
    answer = api.post("/delete-anonymous-user")
    assert (answer.status_code, answer.json()["code"]) == (400, "DELETE_ANONYMOUS_USER_DISABLED")
    assert User.objects.filter(is_guest=True).exists()


def test_a_dead_cookie_does_not_take_the_new_one_away(api: Api) -> None:
    api.post("/sign-in/anonymous")
    Session.objects.all().delete()
    answer = api.post("/sign-in/anonymous")
    assert answer.cookies["better-auth.session_token"].value
    assert api.get("/get-session").json()["user"]["isAnonymous"] is True
