"""What the API, and Django's own form, answer while as many passwords as allowed are hashed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, get_user_model
from django.test import AsyncClient, Client

from django_jazzauth.errors import HashingBusy
from django_jazzauth.hashing_pool import hashing_pool
from django_jazzauth.store.models import Event

from .conftest import Api
from .mailbox import letters

PASSWORD = "correct-horse-battery"
User: Any = get_user_model()


@pytest.fixture(autouse=True)
def real_hash(settings: Any, captured_server: None) -> None:
    settings.PASSWORD_HASHERS = ["django_jazzauth.hashers.Argon2idPasswordHasher"]
    settings.JAZZAUTH = {**settings.JAZZAUTH, "HASHING": {"THREADS": 1, "QUEUE": 0}}


@contextmanager
def busy() -> Iterator[None]:
    """As if another request were hashing all the while."""
    begun, end = threading.Event(), threading.Event()

    def hash_for_long() -> None:
        begun.set()
        assert end.wait(60)

    with ThreadPoolExecutor(1) as other:
        hashing = other.submit(hashing_pool().run, hash_for_long)
        assert begun.wait(30)
        try:
            yield
        finally:
            end.set()
            hashing.result(30)


def refusal(answer: Any) -> None:
    assert answer.status_code == 429
    assert answer.headers["X-Retry-After"] == "1"
    assert answer.json() == {"message": "Too many requests. Please try again later."}
    assert not answer.cookies


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com", "no address"])
@pytest.mark.parametrize("password", [PASSWORD, "wrong-horse-battery", ""])
def test_a_sign_in_is_refused_whoever_asks(api: Api, email: str, password: str) -> None:
    Api().sign_up()
    events = Event.objects.count()
    with busy():
        refusal(api.post("/sign-in/email", {"email": email, "password": password}))
        refusal(api.post("/sign-in/username", {"username": email, "password": password}))
    assert Event.objects.count() == events
    assert api.post("/sign-in/email", {"email": "alice@example.com", "password": PASSWORD}).json()


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("email", ["alice@example.com", "new@example.com"])
def test_a_sign_up_is_refused_and_writes_nothing(
    api: Api, settings: Any, email: str, required: bool
) -> None:
    Api().sign_up()
    settings.JAZZAUTH = {**settings.JAZZAUTH, "EMAIL_VERIFICATION": {"REQUIRED": required}}
    events = Event.objects.count()
    with busy():
        refusal(api.sign_up(email))
    assert Event.objects.count() == events


def test_other_endpoints_answer_meanwhile(api: Api) -> None:
    api.sign_up()
    with busy():
        assert api.get("/get-session").json()["user"]["email"] == "alice@example.com"
        refusal(api.post("/verify-password", {"password": PASSWORD}))
        body = {"currentPassword": PASSWORD, "newPassword": "another-horse-battery"}
        refusal(api.post("/change-password", body))
        refusal(api.post("/delete-user", {"password": PASSWORD}))
        assert api.post("/sign-out").json() == {"success": True}
    assert User.objects.get().check_password(PASSWORD)


def test_a_reset_token_outlives_a_refusal(api: Api) -> None:
    api.sign_up()
    api.post("/request-password-reset", {"email": "alice@example.com", "redirectTo": "/new"})
    body = {"token": letters()[-1].token, "newPassword": "another-horse-battery"}
    with busy():
        refusal(api.post("/reset-password", body))
    assert api.post("/reset-password", body).json() == {"status": True}
    assert User.objects.get().check_password("another-horse-battery")
    assert api.post("/reset-password", body).json()["code"] == "INVALID_TOKEN"


def test_the_login_form_is_refused_too(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.urls"
    User.objects.create_user("alice", "alice@example.com", PASSWORD)
    for name in ("alice", "nobody"):
        form = {"username": name, "password": PASSWORD}
        with busy():
            answer = Client().post("/admin/login/", form)
            later: Any = async_to_sync(AsyncClient().post)("/admin/login/", form)
        for refused in (answer, later):
            assert refused.status_code == 429
            assert refused.headers["Retry-After"] == "1"
            assert not refused.cookies


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_asynchronous_code_learns_of_it(name: str) -> None:
    User.objects.create_user("alice", "alice@example.com", PASSWORD)
    authenticate = async_to_sync(aauthenticate)
    with busy(), pytest.raises(HashingBusy):
        authenticate(username=name, password=PASSWORD)
    found = authenticate(username=name, password=PASSWORD)
    assert (found is not None) == (name == "alice")
