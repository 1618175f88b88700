"""Somebody who is deleted while they sign in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from django_jazzauth.api.hooks import Write, before_write
from django_jazzauth.models import Session
from django_jazzauth.store import store

from .conftest import Api

User: Any = get_user_model()
BODY = {"email": "alice@example.com", "password": "correct-horse-battery"}

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def deleted_before_the_session() -> Iterator[None]:
    """Another request deletes the user after the password was found to be right."""

    def delete(sender: Any, data: Any, write: Write, **kwargs: Any) -> None:
        User.objects.filter(pk=data["user"].pk).delete()

    before_write.connect(delete, sender=Session)
    try:
        yield
    finally:
        before_write.disconnect(delete, sender=Session)


@pytest.mark.parametrize("stateless", [False, True])
def test_a_sign_in_is_refused(api: Api, settings: Any, stateless: bool) -> None:
    settings.INSTALLED_APPS = [
        app for app in settings.INSTALLED_APPS if not app.endswith("multi_session")
    ]
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SESSION": {"STATELESS": stateless}}
    Api().sign_up()
    with deleted_before_the_session():
        answer = api.post("/sign-in/email", BODY)
    assert answer.status_code == 401
    assert answer.json()["code"] == "FAILED_TO_CREATE_SESSION"
    assert not api.client.cookies
    assert not Session.objects.exists()
    assert store.verify().ok


def test_a_change_of_password_with_a_new_session_is_refused(api: Api) -> None:
    api.sign_up()
    body = {
        "currentPassword": BODY["password"],
        "newPassword": "another-horse-battery",
        "revokeOtherSessions": True,
    }
    with deleted_before_the_session():
        answer = api.post("/change-password", body)
    assert (answer.status_code, answer.json()["code"]) == (401, "FAILED_TO_CREATE_SESSION")
    assert not User.objects.exists()
    assert store.verify().ok
