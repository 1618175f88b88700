"""Requests that nobody makes by accident: refused in the wire's own form, never a fault of ours."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Api

CACHE = "better-auth.session_data"


@pytest.mark.parametrize("part", ["01", "00", "٣", "1٣", "007"])
def test_parts_of_the_cache_cookie_that_we_never_wrote(api: Api, settings: Any, part: str) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SESSION": {"COOKIE_CACHE": {"ENABLED": True}}}
    part = part.encode().decode("latin-1")  # as a server hands bytes over
    answer = api.get("/get-session", cookie=f"{CACHE}.{part}=x; {CACHE}.1=y")
    assert (answer.status_code, answer.json()) == (200, None)
    dead = api.get("/get-session", cookie=f"{CACHE}.{part}=x")
    assert (dead.status_code, dead.json()) == (200, None)


def test_a_callback_address_in_other_letters(api: Api) -> None:
    """It stands in a header, too, where only ASCII can."""
    api.sign_up()
    body = {"email": "alice@example.com", "password": "correct-horse-battery"}
    url = "http://localhost:3000/Grüße/日本?q=ü"
    answer = api.post("/sign-in/email", {**body, "callbackURL": url})
    assert answer.json()["url"] == url
    assert answer["Location"] == (
        "http://localhost:3000/Gr%C3%BC%C3%9Fe/%E6%97%A5%E6%9C%AC?q=%C3%BC"
    )
