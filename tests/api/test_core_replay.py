"""The whole recorded conversation about the core, in one go: later lines depend on earlier ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_jazzauth.api import email_tokens
from django_jazzauth.api.email_tokens import EmailToken
from django_jazzauth.models import Session, Verification

from ..openapi.honesty import Held
from .conftest import SECRET
from .mailbox import claims, receive
from .plugin_setup import install
from .transcripts import Exchange, Replay, area

SKIPPED = {
    "empty body with JSON type": "500 of the username plugin; ours is a validation error",
    "no body, no content type": "500 of the username plugin; ours is a validation error",
    "role in sign-up body": "a field of the admin plugin",
    "role refused": "a field of the admin plugin",
    "old path of the request": "404 there; ours keeps the older path as an alias",
    "mails": "of the other servers",
    "with mail confirmation configured": "a server with other settings: see below",
}
# Flows with tests of their own: linked accounts, and clocks.
ELSEWHERE = ("accounts", "expiry")

# Sign-ups that were not recorded: the step that first uses the session -> whose it is.
UNRECORDED = {
    "wrong password": "delete-me@example.com",
    "success without password on fresh session": "delete-fresh@example.com",
    "stale session without password": "delete-stale@example.com",
}


@pytest.mark.parametrize("plugins", ["all of them", "none"])
def test_core(settings: Any, plugins: str, honest: Held) -> None:
    if plugins == "none":
        install(settings)
    replay = Replay()
    for exchange in area("core"):
        name = exchange.flow.removeprefix("core.")
        if name in ELSEWHERE or exchange.step in SKIPPED or "/delmail" in _path(exchange):
            continue
        if name == "delete-user" and exchange.request["method"] == "MAIL":
            continue
        if name == "delete-user" and exchange.step in UNRECORDED:
            replay.become(exchange, UNRECORDED[exchange.step])
        _prepare(replay, exchange)
        if exchange.request["method"] == "MAIL":
            receive(replay, exchange)
        else:
            replay.play(exchange)
    assert replay.differences == []
    assert replay.steps == 160
    # Every answer of an endpoint was held against the OpenAPI document.
    assert honest.answers >= 150
    assert len(honest.operations) >= 20


def test_deletion_confirmed_by_mail(settings: Any) -> None:
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "DELETE_USER": {"ENABLED": True, "CONFIRM_BY_MAIL": True},
    }
    replay = Replay(prefix="/delmail")
    for exchange in area("core"):
        if exchange.step == "with mail confirmation configured":
            replay.become(exchange, "delete-mail@example.com")
        if "/delmail" in _path(exchange):
            replay.play(exchange)
        elif exchange.flow == "core.delete-user" and exchange.request["method"] == "MAIL":
            receive(replay, exchange)
    assert replay.differences == []
    assert replay.steps == 5


def _path(exchange: Exchange) -> str:
    return exchange.request.get("path") or ""


def _prepare(replay: Replay, exchange: Exchange) -> None:
    """Do what the recording does not show, for the steps that need it."""
    if exchange.step.startswith("expired token"):
        _remake(replay, exchange, seconds=-3600)
    elif exchange.step in ("unknown user token", "valid token with callbackURL"):
        _remake(replay, exchange, seconds=3600)
    elif exchange.step == "expired: follow link":
        past = timezone.now() - timedelta(seconds=1)
        Verification.objects.update(expires_at=past)
    elif exchange.step == "stale session without password":
        session = Session.objects.get(user__email="delete-stale@example.com")
        session.created_at -= timedelta(days=2)
        session.save()


def _remake(replay: Replay, exchange: Exchange, *, seconds: int) -> None:
    """The same token with another life: the recorded ones have all run out."""
    recorded = exchange.request["query"]["token"]
    said = claims(recorded)
    assert said is not None
    replay.learn(
        recorded, email_tokens.make(EmailToken(said["email"]), secret=SECRET, seconds=seconds)
    )
