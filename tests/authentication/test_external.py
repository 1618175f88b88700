"""Tokens of another issuer, over real HTTP."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from django_jazzauth.api.authentication import (
    ExternalJWTAuthentication,
    ExternalUser,
    LocalFirstAuthentication,
)
from django_jazzauth.identity import mint_proof

from .conftest import Caller
from .issuer import Issuer


@pytest.fixture(autouse=True)
def _options(settings: Any, issuer: Issuer) -> None:
    issuer.add_key("one")
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "APP_ID": "my-app",
        "JAZZ": {"JWKS_URL": issuer.url, "ALLOW_LOCAL_FIRST": True},
    }


def refused(answer: Any) -> str:
    assert answer.status_code == 401
    return str(json.loads(answer.content)["message"])


def test_user_and_claims(issuer: Issuer) -> None:
    call = Caller(ExternalJWTAuthentication)
    token = issuer.token("one", claims={"role": "admin", "subject": "spoof"}, role="top")
    assert call.bearer(token).status_code == 200
    assert call.user == ExternalUser("user-1")
    assert not call.user.has_perm("x.y")
    assert call.auth.auth_mode == "external"
    assert call.auth.claims == {
        "role": "admin",
        "subject": "user-1",
        "issuer": "https://issuer.example",
    }
    assert call.bearer(issuer.token("one", claims=["role"])).status_code == 200
    assert call.auth.claims == {"subject": "user-1", "issuer": "https://issuer.example"}
    assert call.bearer(issuer.token("one", iss=" ")).status_code == 200
    assert call.auth.claims == {"subject": "user-1", "issuer": None}


def test_other_credentials_are_left_alone(issuer: Issuer) -> None:
    call = Caller(LocalFirstAuthentication, ExternalJWTAuthentication)
    assert call.bearer("opaque").status_code == 200
    assert call.auth is None
    assert call({"authorization": "Basic eDp5"}).status_code == 200
    assert call.bearer(mint_proof(bytes(32), "my-app")).status_code == 200
    assert call.auth.auth_mode == "local-first"
    assert issuer.requests == 0
    assert call.bearer(issuer.token("one")).status_code == 200
    assert call.auth.auth_mode == "external"


def test_issuer_and_audience_by_subclass(settings: Any, issuer: Issuer) -> None:
    url = issuer.url

    class Shop(ExternalJWTAuthentication):
        jwks_url = url
        issuer = "https://issuer.example"
        audience = "shop"

    settings.JAZZAUTH = {**settings.JAZZAUTH, "JAZZ": {}}
    call = Caller(Shop)
    assert call.bearer(issuer.token("one", aud="shop")).status_code == 200
    assert call.bearer(issuer.token("one", aud=["x", "shop"])).status_code == 200
    assert "audience" in refused(call.bearer(issuer.token("one", aud="x")))
    assert "audience" in refused(call.bearer(issuer.token("one")))
    assert "issuer" in refused(call.bearer(issuer.token("one", aud="shop", iss="x")))
    unset = Caller(ExternalJWTAuthentication)
    assert "not enabled" in refused(unset.bearer(issuer.token("one")))


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": 5},
        {"sub": None},
        {"sub": "\u3000"},
        {"iss": ["https://issuer.example"]},
        {"exp": 1},
        {"exp": True},
        {"iat": "now"},
    ],
)
def test_claims_that_are_refused(issuer: Issuer, claims: dict[str, Any]) -> None:
    key = issuer._private["one"]
    payload = {"sub": "user-1", "iss": "i", **claims}
    token = jwt.PyJWS().encode(json.dumps(payload).encode(), key, "ES256", {"kid": "one"})
    refused(Caller(ExternalJWTAuthentication).bearer(token))


@pytest.mark.parametrize("payload", [b"[]", b"{", b'{"sub":NaN}', b'{"sub":"\\ud800"}', b"\xff"])
def test_payloads_that_are_refused(issuer: Issuer, payload: bytes) -> None:
    token = jwt.PyJWS().encode(payload, issuer._private["one"], "ES256", {"kid": "one"})
    refused(Caller(ExternalJWTAuthentication).bearer(token))


def test_no_algorithm_but_the_keys_own(issuer: Issuer) -> None:
    call = Caller(ExternalJWTAuthentication)
    none = jwt.encode({"sub": "user-1"}, None, algorithm="none", headers={"kid": "one"})
    refused(call.bearer(none))
    public = issuer.keys["keys"][0]["x"]
    confused = jwt.encode({"sub": "a"}, public, algorithm="HS256", headers={"kid": "one"})
    refused(call.bearer(confused))
    refused(call.bearer("a.b.c"))


def test_an_outage_is_no_server_error(issuer: Issuer) -> None:
    issuer.status = 503
    call = Caller(ExternalJWTAuthentication)
    assert refused(call.bearer(issuer.token("one"))) == "unable to load JWKS"
    issuer.status = 200
    assert call.bearer(issuer.token("one")).status_code == 200
    issuer.status = 503
    assert call.bearer(issuer.token("one")).status_code == 200
    assert "refresh" in refused(call.bearer(issuer.token("one", named="two")))
