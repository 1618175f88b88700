"""The recorded conversation about social sign-in, against a provider of ours."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import requests
from django.contrib.auth import get_user_model
from django.test import Client

from ..api.transcripts import VOLATILE, Exchange, Replay, area
from .conftest import make_user, post
from .oidc_provider import OidcProvider

RECORDED_PROVIDER = "http://localhost:3199"
MOMENT = VOLATILE["createdAt"]
JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")
EXTRA_VOLATILE = {
    "idToken": JWT,
    "accessToken": re.compile(r"at-[0-9a-f]{24}"),
    "refreshToken": re.compile(r"rt-[0-9a-f]{24}"),
    "accessTokenExpiresAt": MOMENT,
    "accountId": re.compile(r"[\w-]{20,36}"),
    "sub": re.compile(r"sub-[0-9a-f]{16}"),
    "id": re.compile(r"sub-[0-9a-f]{16}|[\w-]{36}"),
    "nonce": re.compile(r"[\w-]{32}"),
    "iss": re.compile(r"http://127.0.0.1:\d+"),
}
RANDOM_PARAMETERS = ("state", "nonce", "code_challenge")


class SocialReplay(Replay):
    def play(self, exchange: Exchange) -> Any:
        if exchange.request["path"].startswith(RECORDED_PROVIDER):
            return self._visit(exchange)
        return super().play(exchange)

    def _visit(self, exchange: Exchange) -> None:
        query = self._translate(urlencode(exchange.request["query"]))
        url = self._translate(exchange.request["path"])
        answer = requests.get(f"{url}?{query}", allow_redirects=False, timeout=5)
        assert answer.status_code == 302
        recorded, ours = exchange.response["headers"]["location"], answer.headers["Location"]
        for name in ("code",):
            for theirs, mine in zip(_query(recorded, name), _query(ours, name), strict=True):
                self.learn(theirs, mine)

    def _compare(self, exchange: Exchange, answer: Any) -> None:
        recorded = json.loads(json.dumps(exchange.response))
        theirs = recorded["headers"].get("location", "")
        body = recorded["body"]
        if isinstance(body, dict) and "url" in body:
            self._same_destination(exchange, body["url"], answer.json()["url"])
            body["url"] = answer.json()["url"]
            if theirs:
                recorded["headers"]["location"] = answer.headers.get("Location", "")
        if exchange.step == "account-info":
            for name in ("iat", "exp"):
                assert isinstance(answer.json()["data"][name], int)
                body["data"][name] = answer.json()["data"][name]
        super()._compare(Exchange(exchange.flow, exchange.step, exchange.request, recorded), answer)
        if exchange.step == "accounts" or exchange.step == "two accounts":
            for theirs_account, mine in zip(body, answer.json(), strict=True):
                self.learn(theirs_account["id"], mine["id"])
                assert theirs_account["providerId"] == mine["providerId"]

    def _same_destination(self, exchange: Exchange, recorded: str, ours: str) -> None:
        for name in RANDOM_PARAMETERS:
            theirs, mine = _query(recorded, name), _query(ours, name)
            if len(theirs) != len(mine):
                self.differences.append(f"{exchange.step}: {name}: {theirs} {mine}")
                return
            for before, after in zip(theirs, mine, strict=True):
                assert len(before) == len(after)
                self.learn(before, after)
        if _parts(self._translate(recorded)) != _parts(ours):
            self.differences.append(f"{exchange.step}: {self._translate(recorded)} {ours}")


def _query(url: str, name: str) -> list[str]:
    return parse_qs(urlsplit(url).query).get(name, [])


def _parts(url: str) -> tuple[str, list[tuple[str, str]]]:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}", sorted(parse_qsl(parts.query))


# Google's one-tap is a plugin of its own. The paths of 1.4 are 404 there, aliases here.
SKIPPED = {"social.one-tap"}


def test_social(provider: OidcProvider, monkeypatch: Any) -> None:
    for name, form in EXTRA_VOLATILE.items():
        monkeypatch.setitem(VOLATILE, name, form)
    replay = SocialReplay()
    replay.learn(RECORDED_PROVIDER, provider.url)
    make_user("link-me@example.com", verified=False)
    make_user("link-verified@example.com", verified=True)
    make_user("linker@example.com", verified=True)
    linker = Client()
    signed_in = post(
        linker, "/sign-in/email", {"email": "linker@example.com", "password": "correct-horse"}
    )
    ours = signed_in.cookies["better-auth.session_token"].value
    theirs = "XgbjciqTOmOT0qGPakAS2c5LcdXfVaeb.F7FaRYuNKbMfOFrzhALe1D1Z7p4N6irbauCg5bLYr70%3D"
    replay.learn(theirs, ours)
    for exchange in area("social"):
        if exchange.flow not in SKIPPED and "1.4 path" not in exchange.step:
            replay.play(exchange)
    assert replay.differences == []
    assert replay.steps == 41


def test_accounts_of_the_core_transcript(monkeypatch: Any) -> None:
    """The flow ``core.accounts``, without its lines about 1.4's bodies, which we accept."""
    # That of a credential account is its user's id.
    monkeypatch.setitem(VOLATILE, "accountId", VOLATILE["userId"])
    user = get_user_model().objects.sign_up(
        email="alice.new@example.com",
        name="Alice",
        password="correct-horse-battery",
        email_verified=True,
    )
    replay = SocialReplay()
    for exchange in area("core"):
        if exchange.flow != "core.accounts" or "1.4 body" in exchange.step:
            continue
        answer = replay.play(exchange)
        if exchange.step == "list-accounts":
            (recorded,), (ours,) = exchange.response["body"], answer.json()
            replay.learn(recorded["id"], ours["id"])
            assert ours["accountId"] == ours["userId"] == str(user.pk)
    assert replay.differences == []
    assert replay.steps == 15
