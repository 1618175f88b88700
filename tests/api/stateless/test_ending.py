"""What ends a session that nothing can delete."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import transaction

from ..conftest import Api
from .browser import (
    DATA,
    PASSWORD,
    WEEK,
    age,
    alice,
    change_password,
    content_of,
    copy_of,
    deactivate,
    delete,
    sign_in,
    switch_on,
    who,
)

every_end = pytest.mark.parametrize("end", [deactivate, change_password, delete])


@every_end
def test_who_is_gone_is_signed_out_at_the_renewal(api: Api, end: Any) -> None:
    api.sign_up()
    end(alice())
    # Until then the cookie is believed, by what only shows it.
    assert who(api) == "alice@example.com"
    for path in ("/update-user", "/revoke-other-sessions"):
        answer = copy_of(api).post(path, {"name": "X"})
        assert answer.status_code == 401
    age(api, seconds=WEEK * 9 // 10)
    answer = api.get("/get-session")
    assert answer.json() is None
    assert answer.cookies[DATA]["max-age"] == "0"


@every_end
def test_or_at_once_where_that_is_set(api: Api, settings: Any, end: Any) -> None:
    switch_on(settings, REVOKE_AT_ONCE=True)
    api.sign_up()
    end(alice())
    assert who(api) is None


def test_who_is_active_again_may_sign_in_again(api: Api, settings: Any) -> None:
    switch_on(settings, REVOKE_AT_ONCE=True)
    api.sign_up()
    user = alice()
    deactivate(user)
    time.sleep(0.002)
    user.is_active = True
    user.save()
    assert who(sign_in()) == "alice@example.com"
    assert who(api) is None


def test_without_the_setting_a_stolen_cookie_outlives_the_sign_out(api: Api) -> None:
    api.sign_up()
    thief = copy_of(api)
    answer = api.post("/sign-out")
    assert answer.json() == {"success": True}
    assert who(api) is None
    assert who(thief) == "alice@example.com"


def test_with_it_none_does(api: Api, settings: Any) -> None:
    switch_on(settings, REVOKE_AT_ONCE=True)
    api.sign_up()
    thief, other = copy_of(api), sign_in()
    api.post("/sign-out")
    assert who(thief) is None
    assert thief.post("/update-user", {"name": "X"}).status_code == 401
    assert who(other) == "alice@example.com"


def test_revoking(api: Api, settings: Any) -> None:
    switch_on(settings, REVOKE_AT_ONCE=True)
    api.sign_up()
    laptop, phone, tablet = sign_in(), sign_in(), sign_in()
    bob = Api()
    bob.sign_up("bob@example.com")
    token = content_of(phone)["session"]["token"]
    # Somebody else's cannot be ended.
    assert bob.post("/revoke-session", {"token": token}).json() == {"status": True}
    assert who(phone) == "alice@example.com"
    assert laptop.post("/revoke-session", {"token": token}).json() == {"status": True}
    assert who(phone) is None
    assert who(tablet) == "alice@example.com"
    time.sleep(0.002)
    laptop.post("/revoke-other-sessions")
    assert [who(tablet), who(api), who(laptop)] == [None, None, "alice@example.com"]
    later = sign_in()
    assert who(later) == "alice@example.com"
    time.sleep(0.002)
    laptop.post("/revoke-sessions")
    assert [who(laptop), who(later)] == [None, None]
    assert who(bob) == "bob@example.com"


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("revoke", [False, True])
def test_changing_the_password_keeps_this_session(
    api: Api, settings: Any, at_once: bool, revoke: bool
) -> None:
    switch_on(settings, REVOKE_AT_ONCE=at_once)
    api.sign_up()
    other = sign_in()
    body = {"currentPassword": PASSWORD, "newPassword": "another-long-password"}
    answer = api.post("/change-password", {**body, "revokeOtherSessions": revoke})
    assert answer.status_code == 200
    assert answer.cookies[DATA].value
    assert who(api) == "alice@example.com"
    assert api.post("/update-user", {"name": "Alicia"}).status_code == 200
    assert who(other) == (None if at_once else "alice@example.com")
    assert other.post("/update-user", {"name": "X"}).status_code == 401
    assert alice().name == "Alicia"


def test_a_refused_change_of_password_changes_nothing(api: Api) -> None:
    api.sign_up()
    body = {"currentPassword": "wrong-password", "newPassword": "another-long-password"}
    answer = api.post("/change-password", body)
    assert answer.status_code == 400
    assert DATA not in answer.cookies
    assert who(api) == "alice@example.com"


def test_deleting_the_account(api: Api) -> None:
    api.sign_up()
    assert api.post("/delete-user", {"password": PASSWORD}).status_code == 200
    assert who(api) is None


@pytest.mark.parametrize("path", ["/revoke-sessions", "/revoke-session"])
def test_this_browser_loses_its_own_in_any_case(api: Api, path: str) -> None:
    token = api.sign_up().json()["token"]
    sign_in().post("/revoke-session", {"token": token})
    assert who(api) == "alice@example.com"
    answer = api.post(path, {"token": token})
    assert answer.json() == {"status": True}
    assert answer.cookies[DATA]["max-age"] == "0"
    assert who(api) is None


def test_what_was_rolled_back_ends_nothing(api: Api, settings: Any) -> None:
    switch_on(settings, REVOKE_AT_ONCE=True)
    api.sign_up()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        change_password(alice())
        raise ZeroDivisionError
    assert who(api) == "alice@example.com"
    assert who(sign_in()) == "alice@example.com"
