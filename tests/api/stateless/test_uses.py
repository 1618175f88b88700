"""What else meets such a session: tokens, guests, views, sessions of Django, system checks."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.test import Client

from django_jazzauth.api.authentication import (
    BearerSessionAuthentication,
    SessionCookieAuthentication,
)
from django_jazzauth.api.options import options_for
from django_jazzauth.api.plugin_checks import check_plugins
from django_jazzauth.api.session_state import open_session
from django_jazzauth.api.setting_checks import check_api_settings
from django_jazzauth.errors import NotStored
from django_jazzauth.models import Session

from ..conftest import Api
from .browser import alice, deactivate, switch_on, who


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
