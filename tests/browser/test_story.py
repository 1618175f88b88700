"""The five steps of the page, one after the other, as a newcomer takes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from playwright.sync_api import expect

from django_jazzauth.identity import (
    RecoveryPhrase,
    derive_user_id,
    mint_proof,
    seed_from_text,
)

from .conftest import Visit
from .server import spellings
from .visitor import SECRET_NAME, Visitor

VECTORS = json.loads((Path(__file__).parents[1] / "data/jazz/vectors.json").read_text())
LOOKS = [("light", 1280), ("dark", 390)]


def claims_shown(visitor: Visitor) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(visitor.text("#jwt-claims"))
    return claims


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_from_a_key_to_the_log_and_back(visit: Visit, scheme: str, width: int) -> None:
    visitor = visit(color_scheme=scheme, viewport={"width": width, "height": 900})
    page, demo = visitor.page, visitor.demo
    email = f"ada-{width}@example.org"
    visitor.picture("1-nothing")

    user_id = visitor.make_identity()
    seed = seed_from_text(visitor.kept_secret())
    phrase = visitor.phrase()
    assert user_id == str(derive_user_id(seed))
    assert phrase == RecoveryPhrase.from_secret(seed)
    assert len(visitor.sent_to("/get-session")) == 1, "nobody was asked"
    visitor.picture("2-identity")

    visitor.sign_up(email)
    expect(page.locator("#account-same")).to_be_visible()
    assert visitor.text("#account-id") == user_id
    assert demo.has_user(user_id)
    (sent,) = visitor.sent_to("/sign-up/email")
    assert sorted(sent) == ["email", "name", "password", "proofToken"]
    issued_at = jwt.decode(sent["proofToken"], options={"verify_signature": False})["iat"]
    assert sent["proofToken"] == mint_proof(seed, "jazzauth-example", now=issued_at)

    checks = page.locator("#jwt-checks li")
    expect(checks).to_have_count(4)
    expect(page.locator("#jwt-checks .bad")).to_have_count(0)
    assert claims_shown(visitor)["sub"] == user_id
    visitor.press("Put another id in, check again")
    visitor.sees("#jwt-checks .bad", "signature verification failed")
    assert claims_shown(visitor)["sub"] != user_id
    visitor.press("Get a new token")
    expect(checks).to_have_count(4)

    events = page.locator("#event-list > li")
    expect(events).to_have_count(1)  # signed up, and in
    visitor.rename("Ada King")
    expect(events).to_have_count(2)
    visitor.rename("Ada Lovelace")
    expect(events).to_have_count(3)
    visitor.sees("#events-total", "3 events")
    names = [
        events.nth(place).locator(".changed", has_text="name").first.inner_text().split("\n")[-1]
        for place in (0, 1, 2)
    ]
    assert names[:2] == ["Ada Lovelace", "Ada King"]
    visitor.sees("#event-list > li:last-child", "Ada Byron")
    visitor.sees("#event-list > li:last-child", "••••••••")
    sealed = page.locator("#event-list .hex").all_inner_texts()
    assert len(set(sealed)) == 3
    visitor.picture("3-signed-in")

    visitor.sign_out()
    visitor.forget()
    assert page.evaluate("localStorage.length") == 0
    visitor.restore(f"  {phrase.upper()} ")
    expect(page.locator("#identity-id")).to_have_text(user_id)
    visitor.sign_in(email)
    expect(page.locator("#account-same")).to_be_visible()
    expect(checks).to_have_count(4)
    assert claims_shown(visitor)["sub"] == user_id
    page.reload()
    visitor.ready()
    expect(page.locator("#account-id")).to_have_text(user_id)
    for spelling in (*spellings(visitor.kept_secret(), phrase), email, "Ada Lovelace"):
        assert not demo.stores(spelling)


def test_ids_and_words_are_those_of_jazz(visitor: Visitor) -> None:
    for vector in VECTORS["derivation"]:
        secret = vector["secret_base64url"]
        visitor.page.evaluate(
            "([name, value]) => localStorage.setItem(name, value)", [SECRET_NAME, secret]
        )
        visitor.page.reload()
        visitor.ready()
        assert visitor.text("#identity-id") == vector["user_id"]
        assert visitor.text("#identity-key") == vector["public_key_base64url"]
        assert visitor.phrase() == RecoveryPhrase.from_secret(secret)


def test_another_tab_sees_the_identity(visitor: Visitor) -> None:
    tab = visitor.context.new_page()
    tab.goto(visitor.demo.address)
    expect(tab.locator("#identity-none")).to_be_visible()
    user_id = visitor.make_identity()
    expect(tab.locator("#identity-id")).to_have_text(user_id)
    visitor.forget()
    expect(tab.locator("#identity-none")).to_be_visible()


def test_an_account_of_another_identity_is_told_apart(visitor: Visitor) -> None:
    first = visitor.make_identity()
    visitor.sign_up("told-apart@example.org")
    expect(visitor.page.locator("#account-same")).to_be_visible()
    visitor.forget()
    expect(visitor.page.locator("#account-alone")).to_be_visible()
    assert visitor.make_identity() != first
    expect(visitor.page.locator("#account-other")).to_be_visible()


def test_a_leak_would_be_noticed(visit: Visit) -> None:
    visitor = visit()
    visitor.make_identity()
    assert visitor.leaks() == []
    words = visitor.phrase().split()
    visitor.page.evaluate("text => fetch('/?' + text)", "+".join(words[6:12]))
    visitor.page.evaluate("text => fetch('/', {method: 'POST', body: text})", visitor.kept_secret())
    assert len(visitor.leaks()) == 2
    visitor.secrets.clear()
