"""What a browser does with such a session, and what a thief does with its cookies."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_jazzauth.api.cookie_cache import decode_content, encode_content
from django_jazzauth.api.wire import iso

from ..conftest import SECRET, Api

DATA = "better-auth.session_data"
TOKEN = "better-auth.session_token"
PASSWORD = "correct-horse-battery"
WEEK = 604_800


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


def deactivate(user: Any) -> None:
    user.is_active = False
    user.save()


def change_password(user: Any) -> None:
    user.set_password("another-long-password")
    user.save()


def delete(user: Any) -> None:
    user.delete()
