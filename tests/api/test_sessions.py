"""Listing and ending sessions, changing name and password."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from django_jazzauth.api.errors import ApiError
from django_jazzauth.api.passwords import set_password
from django_jazzauth.models import Account, Session

from .conftest import Api

PASSWORD = "correct-horse-battery"
AGAIN = {"email": "alice@example.com", "password": PASSWORD}


def test_only_own_live_sessions_are_listed(api: Api) -> None:
    mine = api.sign_up().json()["token"]
    bob = Api()
    bob_id = bob.sign_up("bob@example.com").json()["user"]["id"]
    second = Api().post("/sign-in/email", AGAIN).json()["token"]
    user: Any = get_user_model().objects.get(email="alice@example.com")
    past = timezone.now() - timedelta(seconds=1)
    future = timezone.now() + timedelta(days=1)
    Session.objects.create(user=user, expires_at=past)
    Session.objects.create(user=user, expires_at=future, impersonated_by_id=bob_id)
    assert [session["token"] for session in api.get("/list-sessions").json()] == [mine, second]


def test_nobody_ends_the_session_of_another(api: Api) -> None:
    token = api.sign_up().json()["token"]
    bob = Api()
    bob.sign_up("bob@example.com")
    assert bob.post("/revoke-session", {"token": token}).json() == {"status": True}
    assert bob.post("/revoke-other-sessions").json() == {"status": True}
    assert bob.post("/revoke-sessions").json() == {"status": True}
    assert api.get("/get-session").json() is not None
    assert bob.get("/get-session").json() is None


def test_a_session_may_end_itself(api: Api) -> None:
    token = api.sign_up().json()["token"]
    assert api.post("/revoke-session", {"token": token}).json() == {"status": True}
    assert api.get("/get-session").json() is None


@pytest.mark.parametrize(
    "path",
    ["revoke-sessions", "revoke-other-sessions", "update-session", "update-user"],
)
def test_signed_out(api: Api, path: str) -> None:
    answer = api.post(f"/{path}", {"name": "x"})
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")


def test_update_user_stores_only_what_is_the_clients(api: Api) -> None:
    api.sign_up()
    body = {"name": "New", "isSuperuser": True, "is_superuser": True, "password": "x", "id": "y"}
    assert api.post("/update-user", body).json() == {"status": True}
    user: Any = get_user_model().objects.get()
    assert (user.name, user.is_superuser, user.check_password(PASSWORD)) == ("New", False, True)
    answer = api.post("/update-user", {"image": 5})
    assert answer.json()["message"] == (
        "[body.image] Invalid input: expected string, received number"
    )


def test_update_user_keeps_a_brief_session_brief(api: Api) -> None:
    api.sign_up(rememberMe=False)
    answer = api.post("/update-user", {"name": "New"})
    assert not answer.cookies["better-auth.session_token"]["max-age"]
    assert "better-auth.dont_remember" in answer.cookies


def test_a_new_password_that_revokes_keeps_a_brief_session_brief(api: Api) -> None:
    api.sign_up(rememberMe=False)
    body = {
        "currentPassword": PASSWORD,
        "newPassword": "another-horse-battery",
        "revokeOtherSessions": True,
    }
    answer = api.post("/change-password", body)
    assert not answer.cookies["better-auth.session_token"]["max-age"]
    assert Session.objects.get().token == answer.json()["token"]
    assert Session.objects.get().expires_at < timezone.now() + timedelta(days=2)
    assert api.get("/get-session").json() is not None


def test_users_without_a_password(api: Api) -> None:
    api.sign_up()
    user: Any = get_user_model().objects.get()
    user.set_unusable_password()
    user.save()
    Account.objects.all().delete()
    change = {"currentPassword": PASSWORD, "newPassword": "another-horse-battery"}
    assert api.post("/change-password", change).json()["code"] == "CREDENTIAL_ACCOUNT_NOT_FOUND"
    answer = api.post("/verify-password", {"password": PASSWORD})
    assert answer.json()["code"] == "CREDENTIAL_ACCOUNT_NOT_FOUND"
    with pytest.raises(ApiError, match="too short"):
        set_password(user, "short")
    set_password(user, "another-horse-battery")
    assert Account.objects.get().account_id == str(user.pk)
    with pytest.raises(ApiError, match="already has a password") as refused:
        set_password(user, "third-horse-battery")
    assert refused.value.code == "PASSWORD_ALREADY_SET"
    again = {"email": "alice@example.com", "password": "another-horse-battery"}
    assert Api().post("/sign-in/email", again).status_code == 200


def test_the_error_page_shows_codes_only(api: Api) -> None:
    page = api.get("/error?error=account_not_linked")
    assert page.headers["Content-Type"] == "text/html"
    assert "<code>account_not_linked</code>" in page.content.decode()
    page = api.get("/error?error=<script>alert(1)</script>").content.decode()
    assert "script" not in page
    assert "<code>UNKNOWN</code>" in page
    assert "<code>UNKNOWN</code>" in api.get("/error").content.decode()
