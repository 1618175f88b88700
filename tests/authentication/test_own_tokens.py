"""JWTs of ours, sessions of ours, and permissions."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from rest_framework.permissions import IsAuthenticated

from django_jazzauth.api.authentication import (
    JazzAuthentication,
    JWTAuthentication,
    LocalFirstUser,
)
from django_jazzauth.api.permissions import AuthModeIn, IsExternal, IsLocalFirst
from django_jazzauth.identity import ANONYMOUS_ISSUER, mint_proof
from django_jazzauth.tokens import keys
from django_jazzauth.tokens.claims import build_claims
from django_jazzauth.tokens.models import SigningKey
from django_jazzauth.tokens.signing import sign

from .conftest import Caller
from .issuer import Issuer

pytestmark = pytest.mark.django_db

ORIGIN = "http://localhost:3100"
SEED = bytes(range(32))


@pytest.fixture(autouse=True)
def _clean(settings: Any) -> Any:
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "APP_ID": "my-app",
        "JAZZ": {"ALLOW_LOCAL_FIRST": True},
    }
    keys.forget()
    yield
    keys.forget()


@pytest.fixture
def user() -> Any:
    return get_user_model().objects.sign_up(email="a@example.com", name="A", password=None)


def token_of(user: Any, **changes: Any) -> str:
    payload = {"claims": {"role": "admin"}}
    return sign(build_claims(user, payload=lambda u, s: payload, origin=ORIGIN) | changes)


def test_own_token(user: Any) -> None:
    call = Caller(JWTAuthentication)
    assert call.bearer(token_of(user)).status_code == 200
    assert call.user == user
    assert call.auth.user_id == str(user.pk)
    assert call.auth.claims == {"role": "admin", "subject": str(user.pk), "issuer": ORIGIN}
    assert call.auth.auth_mode == "external"


def test_own_token_that_is_wrong(user: Any) -> None:
    call = Caller(JWTAuthentication)
    now = int(time.time())
    answer = call.bearer(token_of(user, exp=now - 1))
    assert (answer.status_code, json.loads(answer.content)["code"]) == (401, "expired")
    for changes in ({"aud": "x"}, {"iss": "x"}, {"sub": "nobody"}, {"sub": ANONYMOUS_ISSUER}):
        answer = call.bearer(token_of(user, **changes))
        assert (answer.status_code, json.loads(answer.content)["code"]) == (401, "invalid")
    user.is_active = False
    user.save(update_fields=["is_active"])
    assert call.bearer(token_of(user)).status_code == 401


def test_what_is_not_ours_is_left_alone(issuer: Issuer) -> None:
    call = Caller(JWTAuthentication)
    issuer.add_key("one")
    for token in (issuer.token("one"), mint_proof(SEED, "my-app"), "a.b.c", "opaque"):
        assert call.bearer(token).status_code == 200
        assert call.auth is None
    # Looking at a stranger's token makes no key.
    assert not SigningKey.objects.exists()


def test_local_first_holder_of_an_account_gets_no_permissions(user: Any) -> None:
    staff = get_user_model().objects.create_superuser(
        "root", "r@example.com", "pw", id=local_first_id()
    )
    call = Caller(JazzAuthentication)
    call.bearer(mint_proof(SEED, "my-app"))
    assert call.user.pk == staff.pk
    assert not call.user.is_superuser


def local_first_id() -> Any:
    call = Caller(JazzAuthentication)
    call.bearer(mint_proof(SEED, "my-app"))
    assert isinstance(call.user, LocalFirstUser)
    return call.user.pk


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        (IsExternal, {"external"}),
        (IsLocalFirst, {"local-first"}),
        (AuthModeIn("external", "local-first"), {"external", "local-first"}),
        (IsAuthenticated & ~AuthModeIn("anonymous"), {"external", "local-first"}),
        (AuthModeIn("anonymous") | IsExternal, {"external", "anonymous"}),
    ],
)
def test_permissions(user: Any, permission: Any, allowed: set[str]) -> None:
    tokens = {
        "external": token_of(user),
        "local-first": mint_proof(SEED, "my-app"),
        "anonymous": mint_proof(SEED, "my-app", issuer=ANONYMOUS_ISSUER),
    }
    call = Caller(JWTAuthentication, JazzAuthentication, permissions=(permission,))
    statuses = {mode: call.bearer(token).status_code for mode, token in tokens.items()}
    assert statuses == {mode: 200 if mode in allowed else 403 for mode in tokens}
    assert call().status_code == 401


def test_permissions_without_our_authentication() -> None:
    request: Any = SimpleNamespace(auth=None)
    view: Any = None
    assert not IsExternal().has_permission(request, view)
    assert not AuthModeIn("external")().has_permission(request, view)


@pytest.mark.parametrize("modes", [(), ("root",), ("external", "Local-First")])
def test_modes_that_do_not_exist(modes: Any) -> None:
    with pytest.raises(ValueError, match="takes one or more of external"):
        AuthModeIn(*modes)


def test_cookie_session_is_what_a_jazz_server_makes_of_the_token(settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "JWT": {"CLAIMS": "JAZZ"}}
    client = Client()
    path = "/api/auth/get-session?format=cookieSession"
    assert client.get(path).json() is None
    body = {"email": "a@example.com", "password": "correct-horse", "name": "A"}
    client.post("/api/auth/sign-up/email", body, content_type="application/json")
    token = client.get("/api/auth/token").json()["token"]
    call = Caller(JWTAuthentication)
    call.bearer(token)
    assert client.get(path).json() == call.auth.as_cookie_session()
    assert call.auth.claims["role"] == "user"
