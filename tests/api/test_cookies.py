"""Signed cookies, against those that Better Auth set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.api.cookies import encode, sign, unsign

from .conftest import SECRET, Api
from .plugin_setup import install

VECTORS = json.loads(
    (Path(__file__).parent.parent / "data" / "better-auth" / "vectors.json").read_text("utf-8")
)


@pytest.mark.parametrize("server", ["plain", "compact", "jwt", "jwe", "secure"])
def test_vectors(server: str) -> None:
    vector = VECTORS[server]
    cookie = vector["sessionTokenCookie"]
    signed = sign(vector["token"], VECTORS["secret"])
    assert signed == cookie["decoded"]
    assert encode(signed) == cookie["raw"]
    assert unsign(cookie["decoded"], VECTORS["secret"]) == vector["token"]


@given(st.text(), st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])))
def test_only_the_own_signature_opens(value: str, secret: str) -> None:
    try:
        signed = sign(value, secret)
    except UnicodeEncodeError:
        assert unsign(f"{value}.AAAA", secret) is None
        return
    assert unsign(signed, secret) == value
    assert unsign(signed, secret + "x") is None
    assert unsign(signed + "=", secret) is None
    assert unsign(signed[:-1], secret) is None


@pytest.mark.parametrize("text", ["", ".", "a", "a.", ".b", "ä.ö", "\ud800.x", "a" * 10_000])
def test_what_is_not_signed_does_not_open(text: str) -> None:
    assert unsign(text, SECRET) is None


def test_set_cookie_lines_are_those_of_better_auth(api: Api, settings: Any) -> None:
    install(settings)
    answer = api.sign_up()
    (line,) = [morsel.OutputString() for morsel in answer.cookies.values()]
    name, value = line.split("; ")[0].split("=", 1)
    assert name == "better-auth.session_token"
    assert value == encode(sign(answer.json()["token"], SECRET))
    assert set(line.split("; ")[1:]) == {"Max-Age=604800", "Path=/", "HttpOnly", "SameSite=Lax"}


def test_removal_is_an_empty_value(api: Api) -> None:
    lines = {m.OutputString().split("; ")[0] for m in api.post("/sign-out").cookies.values()}
    assert lines == {
        "better-auth.session_token=",
        "better-auth.session_data=",
        "better-auth.dont_remember=",
    }


def test_https_makes_cookies_secure(api: Api, settings: Any) -> None:
    install(settings)
    settings.JAZZAUTH = {**settings.JAZZAUTH, "BASE_URL": "https://example.org/app"}
    api.origin = "https://example.org"
    answer = api.sign_up()
    (line,) = [morsel.OutputString() for morsel in answer.cookies.values()]
    assert line.startswith("__Secure-better-auth.session_token=")
    assert "Secure" in line.split("; ")
    assert api.get("/get-session").json()["user"]["name"] == "Alice"


def test_prefix_is_a_setting(api: Api, settings: Any) -> None:
    install(settings)
    settings.JAZZAUTH = {**settings.JAZZAUTH, "COOKIE_PREFIX": "mine"}
    assert list(api.sign_up().cookies) == ["mine.session_token"]


def test_a_cookie_of_another_secret_is_no_session(api: Api, settings: Any) -> None:
    api.sign_up()
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SECRET": "another-secret-0123456789"}
    answer = api.get("/get-session")
    assert answer.json() is None
    assert not answer.cookies


def test_without_a_setting_the_secret_follows_djangos(api: Api, settings: Any) -> None:
    settings.JAZZAUTH = {k: v for k, v in settings.JAZZAUTH.items() if k != "SECRET"}
    api.sign_up()
    assert api.get("/get-session").json() is not None
    settings.SECRET_KEY = "changed-secret-key-of-this-test-0123456789"
    assert api.get("/get-session").json() is None
