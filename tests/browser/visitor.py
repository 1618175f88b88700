"""Somebody who uses the page; keeps an eye on what leaves their browser."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Request, expect

from .server import Demo, spellings

PASSWORD = "correct horse battery"
SECRET_NAME = "jazz-auth-secret:jazzauth-example"
# Chromium's own line about an answer of 4xx, which a page cannot prevent.
_EXPECTED_IN_CONSOLE = "Failed to load resource: the server responded with a status of 4"


class Visitor:
    """A person at the page, with a browser profile of their own."""

    def __init__(self, context: BrowserContext, demo: Demo) -> None:
        self.demo = demo
        self.context = context
        self.requests: list[Request] = []
        self.complaints: list[str] = []
        self.secrets: list[tuple[str, str]] = []
        context.on("request", lambda request: self.requests.append(request))
        context.set_default_timeout(10_000)
        self.page = context.new_page()
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.open()

    def open(self, address: str | None = None) -> None:
        """Open the page, and wait until it has found out where things stand."""
        self.page.goto(address or self.demo.address)
        self.ready()

    def ready(self) -> None:
        expect(self.page.locator("#main:not([aria-busy])")).to_be_visible()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def text(self, locator: str) -> str:
        return self.page.locator(locator).inner_text()

    def sees(self, locator: str, text: str) -> None:
        expect(self.page.locator(locator)).to_contain_text(text)

    def make_identity(self) -> str:
        """Step 1; returns the id. The secret is watched from now on."""
        self.press("Make an identity")
        expect(self.page.locator("#identity-id")).not_to_be_empty()
        self.secrets.append((self.kept_secret(), self.phrase()))
        return self.text("#identity-id")

    def kept_secret(self) -> str:
        secret = self.page.evaluate("name => localStorage.getItem(name)", SECRET_NAME)
        assert isinstance(secret, str)
        return secret

    def phrase(self) -> str:
        """Step 2: the words, in order."""
        if not self.page.locator("#phrase").is_visible():
            self.press("Show the 24 words")
        return " ".join(self.page.locator("#phrase-words li").all_inner_texts())

    def sign_up(self, email: str, name: str = "Ada Byron", password: str = PASSWORD) -> None:
        """Step 3, filled in and sent."""
        self.page.get_by_label("I am new").check()
        self.page.locator("#sign-up-name").fill(name)
        self.page.locator("#sign-up-email").fill(email)
        self.page.locator("#sign-up-password").fill(password)
        self.press("Sign up with the proof")

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        self.page.get_by_label("I have an account").check()
        self.page.locator("#sign-in-email").fill(email)
        self.page.locator("#sign-in-password").fill(password)
        self.press("Sign in")

    def sign_out(self) -> None:
        self.press("Sign out")
        expect(self.page.locator("#account-forms")).to_be_visible()

    def rename(self, name: str) -> None:
        self.page.locator("#rename-name").fill(name)
        self.press("Change it")
        expect(self.page.locator("#account-name")).to_have_text(name)

    def forget(self) -> None:
        self.press("Forget it on this device")
        self.press("Forget it")
        expect(self.page.locator("#identity-none")).to_be_visible()

    def restore(self, phrase: str) -> None:
        self.page.get_by_label("Recovery phrase").fill(phrase)
        self.press("Restore from the words")

    def sent_to(self, path: str) -> list[Any]:
        """The JSON of every request to a path."""
        found = [request for request in self.requests if request.url.endswith(path)]
        return [json.loads(request.post_data or "null") for request in found]

    def picture(self, name: str) -> None:
        """Take a screenshot of the whole page, if somebody wants to look at it."""
        if folder := os.environ.get("JAZZAUTH_TEST_PICTURES"):
            size = self.page.viewport_size
            dark = self.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
            file = f"{name}-{size and size['width']}-{'dark' if dark else 'light'}.png"
            self.page.screenshot(path=Path(folder) / file, full_page=True)

    def leaks(self) -> list[str]:
        """What left the browser and holds a secret, in any spelling."""
        sent = [
            f"{request.url} {json.dumps(request.headers)} {request.post_data or ''}"
            for request in self.requests
        ]
        sent += [str(cookie.get("value")) for cookie in self.context.cookies()]
        watched = [spelling for secret in self.secrets for spelling in spellings(*secret)]
        return [text for text in sent if any(spelling in text for spelling in watched)]

    def leave(self) -> None:
        """Close the browser; nothing may have leaked, and nothing gone wrong."""
        leaks = self.leaks()
        self.context.close()
        assert leaks == []
        assert self.complaints == []
        elsewhere = [r.url for r in self.requests if not r.url.startswith(self.demo.address)]
        assert all("127.0.0.1" in url for url in elsewhere)

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning") and _EXPECTED_IN_CONSOLE not in message.text:
            self.complaints.append(message.text)
