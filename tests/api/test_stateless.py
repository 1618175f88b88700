"""Sessions without a row: the cache cookie is the session."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_jazzauth.api.authentication import (
    BearerSessionAuthentication,
    SessionCookieAuthentication,
)
from django_jazzauth.api.cookie_cache import decode_content, encode_content
from django_jazzauth.api.options import options_for
from django_jazzauth.api.plugin_checks import check_plugins
from django_jazzauth.api.session_state import open_session
from django_jazzauth.api.setting_checks import check_api_settings
from django_jazzauth.api.wire import iso
from django_jazzauth.errors import NotStored
from django_jazzauth.models import Event, Session

from .conftest import SECRET, Api

DATA = "better-auth.session_data"
TOKEN = "better-auth.session_token"
PASSWORD = "correct-horse-battery"
WEEK = 604_800


@pytest.fixture(autouse=True)
def stateless(captured_server: None, settings: Any) -> None:
    cache.clear()
    switch_on(settings)


def switch_on(settings: Any, *, life: int = WEEK, **options: Any) -> None:
    session = {"STATELESS": True, "EXPIRES_IN": life, "COOKIE_CACHE": options}
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SESSION": session}


def sign_in(**more: Any) -> Api:
    other = Api()
    body = {"email": "alice@example.com", "password": PASSWORD, **more}
    assert other.post("/sign-in/email", body).status_code == 200
    return other


def alice() -> Any:
    return get_user_model().objects.get(email="alice@example.com")


def content_of(api: Api) -> dict[str, Any]:
    raw = unquote(api.client.cookies[DATA].value)
    content = decode_content(raw, strategy="jwe", secret=SECRET, now=time.time())
    assert content is not None
    return content


def give(api: Api, content: dict[str, Any], *, secret: str = SECRET, max_age: int = WEEK) -> None:
    api.client.cookies[DATA] = encode_content(
        content, strategy="jwe", secret=secret, max_age=max_age, now=time.time()
    )


def age(api: Api, *, seconds: int) -> None:
    """Make the browser's cookie one that was issued so long ago."""
    content = content_of(api)
    content["updatedAt"] -= seconds * 1000
    for name in ("expiresAt", "createdAt", "updatedAt"):
        moment = datetime.fromisoformat(content["session"][name]) - timedelta(seconds=seconds)
        content["session"][name] = iso(moment)
    give(api, content)


def copy_of(api: Api) -> Api:
    """Somebody who has stolen the cookies."""
    thief = Api()
    for name, morsel in api.client.cookies.items():
        thief.client.cookies[name] = morsel.value
    return thief


def who(api: Api) -> str | None:
    shown = api.get("/get-session").json()
    return None if shown is None else str(shown["user"]["email"])


def asked(api: Api, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        assert api.get(path).status_code == 200
    # The signing key is kept in memory once it is committed, which a test never does.
    return [query["sql"] for query in queries if "jazzauth_signing_key" not in query["sql"]]


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


def deactivate(user: Any) -> None:
    user.is_active = False
    user.save()


def change_password(user: Any) -> None:
    user.set_password("another-long-password")
    user.save()


def delete(user: Any) -> None:
    user.delete()


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


def test_tokens(api: Api, settings: Any) -> None:
    api.sign_up()
    assert api.get("/token").json()["token"].count(".") == 2
    assert "Set-Auth-Jwt" in api.get("/get-session").headers
    path = f"{__name__}.email_claims"
    settings.JAZZAUTH = {**settings.JAZZAUTH, "JWT": {"CLAIMS": path}}
    assert api.get("/token").json()["token"].count(".") == 2
    deactivate(alice())
    assert api.get("/token").status_code == 401


def email_claims(user: Any, session: Any) -> dict[str, Any]:
    return {"email": user.email}


def test_deleting_the_account(api: Api) -> None:
    api.sign_up()
    assert api.post("/delete-user", {"password": PASSWORD}).status_code == 200
    assert who(api) is None


def test_a_guest_is_linked(api: Api) -> None:
    guest = api.post("/sign-in/anonymous")
    assert guest.status_code == 200
    assert api.sign_up().status_code == 200
    assert [user.email for user in get_user_model().objects.all()] == ["alice@example.com"]
    assert who(api) == "alice@example.com"


def test_for_views_of_the_project(api: Api, rf: Any) -> None:
    token = api.sign_up().json()["token"]
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in api.client.cookies.items())

    def request(method: str = "get", **headers: str) -> Any:
        made = getattr(rf, method)("/", headers=headers)
        made._request = made
        return made

    found = SessionCookieAuthentication().authenticate(request(cookie=cookies))
    assert found is not None
    assert (found[0], found[1].user_id) == (alice(), str(alice().pk))
    bearer = request(authorization=f"Bearer {token}", cookie=cookies)
    assert BearerSessionAuthentication().authenticate(bearer) is None
    deactivate(alice())
    assert SessionCookieAuthentication().authenticate(request(cookie=cookies)) is None


def test_the_session_cannot_be_saved(api: Api) -> None:
    api.sign_up()
    request = HttpRequest()
    request.META.update(HTTP_HOST="localhost", SERVER_NAME="localhost", SERVER_PORT="80")
    session = open_session(alice(), request, options_for(request))
    for write in (session.save, session.delete):
        with pytest.raises(NotStored, match="lives in a cookie"):
            write()
    assert not Session.objects.exists()


def test_sessions_of_django_stay_stored(api: Api) -> None:
    api.sign_up()
    client = Client()
    client.force_login(alice())
    assert Session.objects.count() == 1
    api.post("/revoke-sessions")
    assert not Session.objects.exists()


def test_a_stored_token_is_no_session_here(api: Api) -> None:
    api.sign_up()
    stored = Session.objects.create(user=alice(), expires_at=timezone.now() + timedelta(days=1))
    headers = {"authorization": f"Bearer {stored.token}"}
    assert Api().get("/get-session", **headers).json() is None


def test_checks(settings: Any) -> None:
    refused = {"bearer", "multi-session", "one-time-token"}
    found = [message for message in check_plugins() if message.id == "jazzauth.E045"]
    assert {name for name in refused if any(repr(name) in m.msg for m in found)} == refused
    assert len(found) == len(refused)
    settings.PASSWORD_HASHERS = ["django_jazzauth.hashers.Argon2idPasswordHasher"]
    assert [message.id for message in check_api_settings()] == ["jazzauth.W054"]
    switch_on(settings, REVOKE_AT_ONCE=True)
    assert check_api_settings() == []
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SESSION": {}}
    assert check_plugins() == []


def test_other_origins_cannot_use_it(api: Api) -> None:
    api.sign_up()
    elsewhere = copy_of(api)
    elsewhere.origin = "https://evil.example"
    assert elsewhere.post("/update-user", {"name": "X"}).status_code == 403
    assert alice().name == "Alice"


def test_who_reads_the_user_corrects_the_cookie(api: Api) -> None:
    api.sign_up()
    get_user_model().objects.update(name="New")
    assert api.get("/get-session").json()["user"]["name"] == "Alice"
    answer = api.get("/list-accounts")
    assert answer.cookies[DATA].value
    assert api.get("/get-session").json()["user"]["name"] == "New"
    assert DATA not in api.get("/list-accounts").cookies


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
