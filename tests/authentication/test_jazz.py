"""The order of Jazz's credentials, and each class alone."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import pytest

from django_jazzauth.api.authentication import (
    AnonymousAuthentication,
    BackendAuthentication,
    ExternalUser,
    JazzAuthentication,
    LocalFirstAuthentication,
    LocalFirstUser,
)
from django_jazzauth.identity import ANONYMOUS_ISSUER, derive_user_id, mint_proof

from .conftest import Caller

SEED = bytes(range(32))
MINE = derive_user_id(SEED)


@pytest.fixture(autouse=True)
def _options(settings: Any) -> None:
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "APP_ID": "my-app",
        "JAZZ": {
            "ALLOW_LOCAL_FIRST": True,
            "BACKEND_SECRET": "s3cret",
            "TOKEN_COOKIE": "jazz",
        },
    }


def with_options(settings: Any, **options: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "JAZZ": settings.JAZZAUTH["JAZZ"] | options}


def session(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.b64encode(text.encode()).decode()


def refusal(answer: Any) -> tuple[str, str]:
    assert answer.status_code == 401
    body = json.loads(answer.content)
    return body["code"], body["message"]


def test_local_first_user() -> None:
    call = Caller(LocalFirstAuthentication)
    assert call.bearer(mint_proof(SEED, "my-app")).status_code == 200
    user = call.user
    assert isinstance(user, LocalFirstUser)
    assert user.pk == user.id == MINE
    assert user.is_authenticated and user.is_active
    assert not (user.is_anonymous or user.is_staff or user.is_superuser)
    assert not user.has_perm("x.y") and not user.has_perms(["x.y"]) and user.has_perms([])
    assert not user.has_module_perms("x")
    assert user.get_all_permissions() == set()
    assert user.get_user_permissions() == user.get_group_permissions() == set()
    assert not user.groups.exists() and not user.user_permissions.exists()
    assert user.get_username() == str(MINE) and str(user) == f"LocalFirstUser {MINE}"
    assert user == LocalFirstUser(MINE) and user != ExternalUser(str(MINE))
    assert len({user, LocalFirstUser(MINE)}) == 1
    assert call.auth.user_id == str(MINE) and call.auth.claims == {} and call.auth.session is None


@pytest.mark.parametrize(("allow", "debug"), [(None, False), (False, True)])
def test_local_first_is_off(settings: Any, allow: bool | None, debug: bool) -> None:
    with_options(settings, ALLOW_LOCAL_FIRST=allow)
    settings.DEBUG = debug
    call = Caller(LocalFirstAuthentication)
    code, message = refusal(call.bearer(mint_proof(SEED, "my-app")))
    assert (code, message) == ("disabled", "Local-first auth is not enabled for this app")


def test_local_first_is_on_in_debug(settings: Any) -> None:
    with_options(settings, ALLOW_LOCAL_FIRST=None)
    settings.DEBUG = True
    call = Caller(LocalFirstAuthentication)
    assert call.bearer(mint_proof(SEED, "my-app")).status_code == 200


def test_without_app_id_there_is_no_audience(settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "APP_ID": None}
    for cls in (LocalFirstAuthentication, AnonymousAuthentication):
        token = mint_proof(SEED, "my-app", issuer=cls.issuer)
        assert refusal(Caller(cls).bearer(token))[0] == "disabled"


def test_each_class_takes_its_own_kind_only() -> None:
    local_first = mint_proof(SEED, "my-app")
    anonymous = mint_proof(SEED, "my-app", issuer=ANONYMOUS_ISSUER)
    call = Caller(AnonymousAuthentication)
    call.bearer(anonymous)
    assert call.auth.auth_mode == call.user.auth_mode == "anonymous"
    for token in (local_first, "opaque", "a.b.c"):
        assert call.bearer(token).status_code == 200
        assert call.auth is None
    assert call({"authorization": "Basic eDp5"}).status_code == 200
    other_app = mint_proof(SEED, "other-app", issuer=ANONYMOUS_ISSUER)
    assert refusal(call.bearer(other_app))[0] == "invalid"


def test_token_in_a_cookie() -> None:
    token = mint_proof(SEED, "my-app")
    for cls in (JazzAuthentication, LocalFirstAuthentication):
        call = Caller(cls)
        assert call(cookie=f"jazz={token}").status_code == 200
        assert call.user.pk == MINE
    call = Caller(JazzAuthentication)
    refused = call({"authorization": "Token x"}, cookie=f"jazz={token}")
    assert refusal(refused) == ("invalid", "Invalid Authorization header format")
    assert refusal(call({"authorization": f"bearer {token}"}))[0] == "invalid"
    assert call(cookie="jazz=").status_code == 200
    assert call.auth is None


def test_token_in_a_cookie_needs_a_trusted_origin_to_change_anything() -> None:
    token = mint_proof(SEED, "my-app")
    call = Caller(JazzAuthentication)
    cookie = f"jazz={token}"
    assert call(cookie=cookie, method="post").status_code == 403
    evil, ours = ({"origin": o} for o in ("https://evil.example", "http://localhost:3100"))
    assert call(evil, cookie=cookie, method="post").status_code == 403
    assert call(ours, cookie=cookie, method="post").status_code == 200
    bearer = evil | {"authorization": f"Bearer {token}"}
    assert call(bearer, method="post").status_code == 200


def test_impersonation(settings: Any) -> None:
    call = Caller(BackendAuthentication)
    named = session({"user_id": str(MINE), "claims": {"a": 1}, "auth_mode": "local-first", "x": 1})
    right = {"x-jazz-backend-secret": "s3cret", "x-jazz-session": named}
    assert call(right).status_code == 200
    assert (call.user, call.auth.claims) == (LocalFirstUser(MINE), {"a": 1})
    assert call({"x-jazz-backend-secret": "s3cret"}).status_code == 200
    assert call.auth is None
    assert refusal(call({"x-jazz-session": named}))[1].startswith("Backend secret required")
    for wrong in ("", "S3CRET", "s3cre", "s3crets", "\xe9"):
        headers = {"x-jazz-backend-secret": wrong, "x-jazz-session": named}
        assert refusal(call(headers)) == ("invalid", "Invalid backend secret")
    with_options(settings, BACKEND_SECRET=None)
    assert refusal(call(right)) == ("disabled", "Backend auth not configured")
    assert call({"x-jazz-session": named}).status_code == 200
    assert call.auth is None


def test_impersonated_external_user_is_not_looked_up() -> None:
    call = Caller(BackendAuthentication)
    call(
        {
            "x-jazz-backend-secret": "s3cret",
            "x-jazz-session": session({"user_id": "", "claims": None}),
        }
    )
    assert call.user == ExternalUser("")
    assert call.auth.auth_mode == "external"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not base64!",
        session({"user_id": "uu", "claims": {}}).rstrip("="),
        base64.b64encode(b'{"user_id":"\xff","claims":{}}').decode(),
        session("[]"),
        session("{"),
        session({"claims": {}}),
        session({"user_id": 5, "claims": {}}),
        session({"user_id": "u"}),
        session({"user_id": "u", "claims": {}, "auth_mode": "root"}),
        session({"user_id": "u", "claims": {}, "auth_mode": []}),
        session({"user_id": "u", "claims": {}, "auth_mode": "external", "authMode": "external"}),
        session('{"user_id":"u","user_id":"v","claims":{}}'),
        session('{"user_id":"u","claims":NaN}'),
        session('{"user_id":"\\ud800","claims":{}}'),
    ],
)
def test_malformed_sessions(text: str) -> None:
    headers = {"x-jazz-backend-secret": "s3cret", "x-jazz-session": text}
    code, message = refusal(Caller(BackendAuthentication)(headers))
    assert (code, message) == ("invalid", "Invalid session format")


def test_user_of_may_be_overridden() -> None:
    class Owners(LocalFirstAuthentication):
        def user_of(self, session: Any) -> Any:
            return f"owner of {session.user_id}"

    call = Caller(Owners)
    call.bearer(mint_proof(SEED, "my-app"))
    assert call.user == f"owner of {MINE}"
    assert uuid.UUID(call.auth.user_id) == MINE
