"""Tokens, as PyJWT sees them through the published keys."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from django.utils import timezone

from django_jazzauth.tokens import keys
from django_jazzauth.tokens.algorithms import SUPPORTED
from django_jazzauth.tokens.claims import build_claims
from django_jazzauth.tokens.jwks import key_set
from django_jazzauth.tokens.signing import InvalidToken, sign, verify

pytestmark = pytest.mark.django_db

ORIGIN = "http://localhost:3100"
USER = SimpleNamespace(pk="user-1", name="Alice")


def payload(user: Any, session: Any) -> dict[str, Any]:
    return {
        "name": user.name,
        "sub": "somebody-else",
        "exp": 1,
        "iat": 2,
        "iss": "me",
        "aud": "you",
    }


def admin_claims(user: Any, session: Any) -> dict[str, Any]:
    """Named by a setting below."""
    return {"claims": {"role": "admin", "session": session}}


def through_the_set(token: str, **expected: Any) -> dict[str, Any]:
    """Verify as a stranger would: with the published set alone."""
    found = jwt.PyJWKSet.from_dict(json.loads(key_set().body))
    header = jwt.get_unverified_header(token)
    claims: dict[str, Any] = jwt.decode(
        token, found[header["kid"]].key, algorithms=[header["alg"]], **expected
    )
    return claims


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Any:
    keys.forget()
    yield
    keys.forget()


@pytest.mark.parametrize("algorithm", SUPPORTED)
def test_verifies_through_the_published_set(settings: Any, algorithm: str) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "JWT": {"ALGORITHM": algorithm}}
    claims = build_claims(USER, payload=payload, origin=ORIGIN)
    token = sign(claims)
    assert set(jwt.get_unverified_header(token)) == {"alg", "kid"}
    assert jwt.get_unverified_header(token)["alg"] == algorithm
    assert through_the_set(token, audience=ORIGIN, issuer=ORIGIN) == claims
    assert verify(token, audience=ORIGIN, issuer=ORIGIN) == claims


def test_default_claims() -> None:
    claims = build_claims(USER, payload=payload, origin=ORIGIN)
    now = int(timezone.now().timestamp())
    assert claims["sub"] == "user-1"
    assert claims["name"] == "Alice"
    assert claims["iss"] == claims["aud"] == ORIGIN
    assert now - 2 <= claims["iat"] <= now
    assert claims["exp"] == claims["iat"] + 900


def test_claims_by_setting(settings: Any) -> None:
    options = {
        "ISSUER": "https://issuer.example",
        "AUDIENCE": "https://aud.example",
        "LIFETIME": 3600,
        "CLAIMS": f"{__name__}.admin_claims",
    }
    settings.JAZZAUTH = {**settings.JAZZAUTH, "JWT": options}
    claims = build_claims(USER, "session-1", payload=payload, origin=ORIGIN)
    assert claims == {
        "claims": {"role": "admin", "session": "session-1"},
        "iat": claims["iat"],
        "exp": claims["iat"] + 3600,
        "sub": "user-1",
        "iss": "https://issuer.example",
        "aud": "https://aud.example",
    }


def test_what_was_not_signed_here_is_refused() -> None:
    token = sign(build_claims(USER, payload=payload, origin=ORIGIN))
    header, body, signature = token.split(".")
    other = "A" if signature[10] != "A" else "B"
    forged = f"{header}.{body}.{signature[:10]}{other}{signature[11:]}"
    foreign = jwt.encode({"sub": "a"}, "s" * 32, algorithm="HS256", headers={"kid": "x"})
    kid = jwt.get_unverified_header(token)["kid"]
    confused = jwt.encode({"sub": "a"}, "s" * 32, algorithm="HS256", headers={"kid": kid})
    for bad in (forged, foreign, confused, f"{header}.{body}.", "a.b.c", "", "\ud800"):
        with pytest.raises(InvalidToken) as refused:
            verify(bad, audience=ORIGIN, issuer=ORIGIN)
        assert not bad or bad not in str(refused.value)
    for audience, issuer in (("x", ORIGIN), (ORIGIN, "x")):
        with pytest.raises(InvalidToken):
            verify(token, audience=audience, issuer=issuer)


def test_what_has_run_out_is_refused(settings: Any) -> None:
    claims = build_claims(USER, payload=payload, origin=ORIGIN)
    old = sign({**claims, "exp": claims["iat"] - 1})
    with pytest.raises(InvalidToken):
        verify(old, audience=ORIGIN, issuer=ORIGIN)
    assert verify(old, audience=ORIGIN, issuer=ORIGIN, leeway=10)["sub"] == "user-1"
    endless = sign({k: v for k, v in claims.items() if k != "exp"})
    with pytest.raises(InvalidToken):
        verify(endless, audience=ORIGIN, issuer=ORIGIN)
