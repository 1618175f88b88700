"""The session behind a request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db import connection
from django.test import Client
from django.utils import timezone

from django_jazzauth.api.cookies import encode, sign
from django_jazzauth.models import Session

from .conftest import SECRET, Api

PASSWORD = "correct-horse-battery"


def signed_in(client: Client) -> Any:
    return client.get("/api/auth/get-session").json()


def test_the_device_is_noted(settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "TRUSTED_PROXIES": ["10.0.0.0/8"]}
    body = {"email": "alice@example.com", "password": PASSWORD, "name": "Alice"}
    client = Client(headers={"user-agent": "TestBrowser/1.0"})
    client.post(
        "/api/auth/sign-up/email",
        body,
        content_type="application/json",
        headers={"x-forwarded-for": "6.6.6.6, 192.0.2.7, 10.0.0.2"},
        REMOTE_ADDR="10.0.0.1",
    )
    session = signed_in(client)["session"]
    assert (session["ipAddress"], session["userAgent"]) == ("192.0.2.7", "TestBrowser/1.0")
    # From anybody else the header counts for nothing.
    answer = client.post(
        "/api/auth/sign-in/email",
        {"email": "alice@example.com", "password": PASSWORD},
        content_type="application/json",
        headers={"x-forwarded-for": "6.6.6.6", "origin": "http://localhost:3100"},
        REMOTE_ADDR="192.0.2.9",
    )
    assert Session.objects.get(token=answer.json()["token"]).ip_address == "192.0.2.9"


def test_the_life_of_sessions(api: Api, settings: Any) -> None:
    def days_left() -> float:
        left: timedelta = Session.objects.get().expires_at - timezone.now()
        return round(left / timedelta(days=1), 2)

    api.sign_up()
    assert days_left() == 7
    Session.objects.all().delete()
    api.post("/sign-in/email", {"email": "alice@example.com", "password": PASSWORD})
    assert days_left() == 7
    Session.objects.all().delete()
    api.post(
        "/sign-in/email",
        {"email": "alice@example.com", "password": PASSWORD, "rememberMe": False},
    )
    assert days_left() == 1
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SESSION": {"EXPIRES_IN": 86_400 * 2}}
    Session.objects.all().delete()
    answer = api.post("/sign-in/email", {"email": "alice@example.com", "password": PASSWORD})
    assert days_left() == 2
    assert answer.cookies["better-auth.session_token"]["max-age"] == "172800"


def test_a_brief_session_is_not_prolonged(api: Api) -> None:
    api.sign_up(rememberMe=False)
    Session.objects.update(expires_at=timezone.now() + timedelta(hours=1))
    before = Session.objects.get().expires_at
    answer = api.get("/get-session")
    assert answer.json() is not None
    assert not answer.cookies
    assert Session.objects.get().expires_at == before


def test_every_endpoint_that_reads_the_session_prolongs_it(api: Api) -> None:
    api.sign_up()
    Session.objects.update(expires_at=timezone.now() + timedelta(days=5))
    answer = api.get("/token")
    assert answer.cookies["better-auth.session_token"]["max-age"] == "604800"
    assert Session.objects.get().expires_at > timezone.now() + timedelta(days=6)
    assert not api.get("/token").cookies


def test_a_session_that_ends_while_it_is_prolonged(api: Api) -> None:
    api.sign_up()
    Session.objects.update(expires_at=timezone.now() + timedelta(days=5))
    real_save = Session.save

    def ended_meanwhile(self: Session, *args: Any, **kwargs: Any) -> None:
        Session.objects.filter(pk=self.pk).delete()
        real_save(self, *args, **kwargs)

    with mock.patch.object(Session, "save", ended_meanwhile):
        answer = api.get("/token")
    assert answer.status_code == 401
    assert answer.cookies["better-auth.session_token"].value == ""


def test_a_deactivated_user_is_signed_out(api: Api) -> None:
    api.sign_up()
    get_user_model().objects.update(is_active=False)
    answer = api.get("/get-session")
    assert answer.json() is None
    assert answer.cookies["better-auth.session_token"].value == ""
    answer = api.post("/sign-in/email", {"email": "alice@example.com", "password": PASSWORD})
    assert answer.json()["code"] == "INVALID_EMAIL_OR_PASSWORD"


def test_a_session_of_djangos_login_works_and_dies_with_its_password(api: Api) -> None:
    api.sign_up()
    user: Any = get_user_model().objects.get()
    django = Client()
    django.force_login(user)
    token = django.cookies["sessionid"].value
    headers = {"authorization": f"Bearer {token}"}
    stranger = Api()
    assert stranger.get("/get-session", **headers).json()["session"]["token"] == token
    user.set_password("another-horse-battery")
    user.save()
    assert stranger.get("/get-session", **headers).json() is None
    # Better Auth's own sessions end when their owner says so.
    assert api.get("/get-session").json() is not None


def test_an_anonymous_django_session_is_nobody(api: Api) -> None:
    session = Session.objects.create(expires_at=timezone.now() + timedelta(days=1), data="x")
    api.client.cookies["better-auth.session_token"] = encode(sign(session.token, SECRET))
    assert api.get("/get-session").json() is None


def test_signing_out_ends_the_session(api: Api) -> None:
    token = api.sign_up().json()["token"]
    api.post("/sign-out")
    assert not Session.objects.filter(token=token).exists()


def test_django_is_told(api: Api) -> None:
    heard: list[Any] = []

    def hear(
        sender: Any, request: Any, user: Any = None, credentials: Any = None, **kw: Any
    ) -> None:
        heard.append((user and user.email, credentials and credentials["email"]))
        assert PASSWORD not in repr(credentials)

    user_logged_in.connect(hear)
    user_login_failed.connect(hear)
    try:
        api.sign_up()
        api.post("/sign-in/email", {"email": "alice@example.com", "password": PASSWORD})
        api.post("/sign-in/email", {"email": "Bob@example.com", "password": PASSWORD})
    finally:
        user_logged_in.disconnect(hear)
        user_login_failed.disconnect(hear)
    assert heard == [("alice@example.com", None)] * 2 + [(None, "Bob@example.com")]
    user: Any = get_user_model().objects.get()
    assert user.last_login is not None


def test_an_imported_user_without_a_password_cannot_sign_in_with_one(api: Api) -> None:
    get_user_model().objects.sign_up(email="alice@example.com", name="Alice", password=None)
    answer = api.post("/sign-in/email", {"email": "alice@example.com", "password": PASSWORD})
    assert answer.json()["code"] == "INVALID_EMAIL_OR_PASSWORD"


@pytest.mark.parametrize("path", ["/get-session?disableRefresh=", "/get-session"])
def test_an_empty_query_parameter_counts_as_false(api: Api, path: str) -> None:
    api.sign_up()
    Session.objects.update(expires_at=timezone.now() + timedelta(days=5))
    assert "better-auth.session_token" in api.get(path).cookies


def test_nothing_readable_is_stored(api: Api) -> None:
    answer = api.sign_up("canary@example.com", name="Canary Name", image="https://canary.example/")
    canaries = ["canary", "Canary", PASSWORD, answer.json()["token"], "argon2", "pbkdf2", "md5$"]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith("jazzauth_"):
                cursor.execute(f"SELECT * FROM {table}")
                for row in cursor.fetchall():
                    text = repr([bytes(v) if isinstance(v, memoryview) else v for v in row])
                    assert not [canary for canary in canaries if canary in text], table
