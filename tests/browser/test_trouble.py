"""What goes wrong is said beside what caused it, in plain words."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Route, expect

from .conftest import Visit
from .visitor import Visitor

WORDS = "abandon " * 23 + "art"


@pytest.mark.parametrize(
    ("phrase", "complaint"),
    [
        ("", "Write the 24 words here first."),
        ("abandon art", "A phrase has 24 words. These are 2."),
        (WORDS.replace("art", "jazzauth"), "Word 24, “jazzauth”, is not in the list of words."),
        (WORDS.replace("art", "abandon"), "These 24 words do not belong together."),
    ],
)
def test_a_wrong_phrase(visitor: Visitor, phrase: str, complaint: str) -> None:
    visitor.restore(phrase)
    field = visitor.page.get_by_label("Recovery phrase")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    visitor.sees("#restore-phrase-text-error", complaint)
    visitor.picture("wrong-phrase")
    visitor.restore(WORDS)
    expect(visitor.page.locator("#identity-id")).to_have_text(
        "412a3d72-132d-5e55-bad2-d3bad0eb5ea5"
    )


def test_a_form_that_is_not_filled_in_is_not_sent(visitor: Visitor) -> None:
    visitor.make_identity()
    visitor.sign_up("not an address", name=" ", password="short")
    visitor.sees("#sign-up-name-error", "What shall we call you?")
    visitor.sees("#sign-up-email-error", "This is not an e-mail address.")
    visitor.sees("#sign-up-password-error", "Too short")
    expect(visitor.page.locator("#sign-up-name")).to_be_focused()
    assert visitor.sent_to("/sign-up/email") == []
    visitor.picture("form")


def test_an_address_that_has_an_account(visit: Visit) -> None:
    first, second = visit(), visit()
    for visitor in (first, second):
        visitor.make_identity()
        visitor.sign_up("twice@example.org")
    expect(first.page.locator("#account-same")).to_be_visible()
    second.sees("#sign-up-email-error", "There is an account with this e-mail already.")
    expect(second.page.locator("#sign-up-email")).to_be_focused()
    second.sign_up("another@example.org")
    expect(second.page.locator("#account-same")).to_be_visible()


def test_an_identity_that_has_an_account(visitor: Visitor) -> None:
    visitor.make_identity()
    visitor.sign_up("first@example.org")
    expect(visitor.page.locator("#account-same")).to_be_visible()
    visitor.sign_out()
    visitor.sign_up("second@example.org")
    visitor.sees("#sign-up-error", "This identity has an account already.")


def test_a_used_proof(visitor: Visitor) -> None:
    user_id = visitor.make_identity()
    visitor.sign_up("used@example.org")
    expect(visitor.page.locator("#account-same")).to_be_visible()
    (first,) = visitor.sent_to("/sign-up/email")
    visitor.sign_out()
    visitor.demo.delete_user(user_id)

    def replay(route: Route) -> None:
        body = json.loads(route.request.post_data or "")
        route.continue_(post_data=json.dumps(body | {"proofToken": first["proofToken"]}))

    visitor.page.route("**/sign-up/email", replay)
    visitor.sign_up("used@example.org")
    visitor.sees("#sign-up-error", "This proof was used before; each works once.")
    visitor.page.unroute("**/sign-up/email")
    visitor.sign_up("used@example.org")
    expect(visitor.page.locator("#account-same")).to_be_visible()


def test_a_wrong_password(visitor: Visitor) -> None:
    visitor.sign_in("nobody@example.org")
    visitor.sees("#sign-in-password-error", "No account has this e-mail with this password.")


def test_a_server_that_does_not_answer(visitor: Visitor) -> None:
    visitor.page.route("**/sign-in/email", lambda route: route.abort())
    visitor.sign_in("nobody@example.org")
    visitor.sees("#sign-in-error", "The server does not answer.")
    assert visitor.complaints == ["Failed to load resource: net::ERR_FAILED"]
    visitor.complaints.clear()


def test_a_session_that_was_ended_elsewhere(visitor: Visitor) -> None:
    visitor.make_identity()
    visitor.sign_up("ended@example.org")
    expect(visitor.page.locator("#event-list > li")).to_have_count(1)
    visitor.context.clear_cookies()
    visitor.page.locator("#rename-name").fill("Nobody")
    visitor.press("Change it")
    visitor.sees("#rename-error", "You are not signed in any more.")


def test_tampering_is_said(visitor: Visitor) -> None:
    user_id = visitor.make_identity()
    visitor.sign_up("tampered@example.org")
    expect(visitor.page.locator("#event-list > li")).to_have_count(1)
    visitor.demo.tamper(user_id)
    answer = visitor.page.request.get(f"{visitor.demo.address}events")
    assert answer.status == 409
    assert answer.json()["code"] == "SEAL_BROKEN"
    visitor.page.reload()
    visitor.ready()
    visitor.sees("#events-error", "Somebody changed what is stored about you")


def test_events_are_for_their_owner(visitor: Visitor) -> None:
    answer = visitor.page.request.get(f"{visitor.demo.address}events")
    assert answer.status == 401
    assert answer.json() == {"message": "Unauthorized", "code": "UNAUTHORIZED"}


def test_events_are_for_reading(visitor: Visitor) -> None:
    visitor.make_identity()
    visitor.sign_up("reading@example.org")
    expect(visitor.page.locator("#account-same")).to_be_visible()
    send, address = visitor.page.request.fetch, f"{visitor.demo.address}events"
    own = {"Origin": visitor.demo.address.rstrip("/")}
    for method in ("POST", "PUT", "DELETE"):
        assert send(address, method=method, headers=own).status == 405
        assert send(address, method=method, headers={"Origin": "http://a.example"}).status == 403
    assert send(address, headers={"Accept": "text/html"}).status == 406
