"""The identity in a passkey: Chromium's own WebAuthn, with a virtual authenticator."""

from __future__ import annotations

import base64
from typing import Any

from playwright.sync_api import CDPSession, expect

from django_jazzauth.identity import seed_from_text

from .visitor import Visitor


class Authenticator:
    """A platform authenticator that asks nobody."""

    def __init__(self, visitor: Visitor) -> None:
        self.session: CDPSession = visitor.context.new_cdp_session(visitor.page)
        self.session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "ctap2Version": "ctap2_1",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added = self.session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.id = {"authenticatorId": added["authenticatorId"]}

    def credentials(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]]
        found = self.session.send("WebAuthn.getCredentials", self.id)["credentials"]
        return found

    def know_the_user(self, known: bool) -> None:
        self.session.send("WebAuthn.setUserVerified", {**self.id, "isUserVerified": known})


def test_a_passkey_brings_the_identity_back(visitor: Visitor) -> None:
    authenticator = Authenticator(visitor)
    user_id = visitor.make_identity()
    secret = visitor.kept_secret()
    visitor.press("Back it up in a passkey")
    expect(visitor.page.locator("#passkey-made")).to_be_visible()
    (credential,) = authenticator.credentials()
    assert credential["isResidentCredential"] is True
    assert credential["rpId"] == "localhost"
    # As Jazz does: the user handle is the seed itself.
    assert base64.b64decode(credential["userHandle"]) == seed_from_text(secret)
    visitor.picture("passkey")

    visitor.forget()
    expect(visitor.page.locator("#passkey-made")).to_be_hidden()
    visitor.press("Restore from a passkey")
    expect(visitor.page.locator("#identity-id")).to_have_text(user_id)
    assert visitor.kept_secret() == secret


def test_no_passkey_without_its_owner(visitor: Visitor) -> None:
    authenticator = Authenticator(visitor)
    visitor.make_identity()
    authenticator.know_the_user(False)
    visitor.press("Back it up in a passkey")
    visitor.sees("#make-passkey-error", "No passkey was made")
    assert authenticator.credentials() == []


def test_a_device_without_a_passkey(visitor: Visitor) -> None:
    Authenticator(visitor)
    visitor.press("Restore from a passkey")
    visitor.sees("#restore-passkey-error", "this device has none for this site")
    expect(visitor.page.locator("#identity-none")).to_be_visible()


def test_a_page_that_was_opened_by_its_number(visitor: Visitor) -> None:
    visitor.open(visitor.demo.address.replace("localhost", "127.0.0.1"))
    button = visitor.page.get_by_role("button", name="Restore from a passkey")
    expect(button).to_be_disabled()
    visitor.sees("#restore-passkey-error", visitor.demo.address)
    visitor.make_identity()
    expect(visitor.page.get_by_role("button", name="Back it up in a passkey")).to_be_disabled()
