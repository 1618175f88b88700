"""Recorded exchanges with Better Auth 1.7.7, replayed; for the core see ``test_core_replay``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from django_jazzauth.models import Session

from .conftest import Api
from .mailbox import letters, receive
from .transcripts import Replay, area, flow


def _replay(of: str, name: str, replay: Replay | None = None) -> Replay:
    replay = replay or Replay()
    for exchange in flow(of, name):
        replay.play(exchange)
    return replay


def _assert_same(replay: Replay, steps: int) -> None:
    assert replay.differences == []
    assert replay.steps == steps


def test_cookies_of_a_remembered_and_a_brief_session() -> None:
    Api().sign_up("carol@example.com", name="Carol")
    get_user_model().objects.filter(email="carol@example.com").update(email_verified=True)
    _assert_same(_replay("cookies", "plain"), 5)


def test_secure_cookies(settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "USE_SECURE_COOKIES": True}
    _assert_same(_replay("cookies", "secure", Replay(prefix="/secure")), 10)


def test_required_verification(settings: Any) -> None:
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "EMAIL_VERIFICATION": {"REQUIRED": True, "SIGN_IN_AFTER": True},
        "PASSWORD_RESET": {"REVOKE_SESSIONS": True},
    }
    replay = Replay(prefix="/strict")
    for exchange in area("verification-required"):
        if exchange.flow != "verification-required.require-email-verification":
            continue
        if exchange.request["method"] == "MAIL":
            receive(replay, exchange)
            continue
        if exchange.step == "reset":
            replay.learn(exchange.request["body"]["token"], letters("alice@example.com")[-1].token)
        replay.play(exchange)
    _assert_same(replay, 11)


def test_mails_switched_off(settings: Any) -> None:
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "EMAIL_VERIFICATION": {"ENABLED": False},
        "PASSWORD_RESET": {"ENABLED": False},
    }
    replay = _replay("verification-required", "not-configured", Replay(prefix="/defaults"))
    _assert_same(replay, 3)
    assert letters() == []


def test_expiry_and_renewal() -> None:
    replay = Replay()
    exchanges = {exchange.step: exchange for exchange in flow("core", "expiry")}
    expired = exchanges["expired session: get-session"]
    session = replay.become(expired, email="expiry@example.com", name="expiry")
    Session.objects.filter(pk=session.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    replay.play(expired)
    assert not Session.objects.filter(pk=session.pk).exists()

    replay.play(exchanges["sign in"])
    due = timezone.now() + timedelta(days=6) - timedelta(seconds=1)
    Session.objects.update(expires_at=due)
    replay.play(exchanges["a day old: disableRefresh leaves it"])
    assert Session.objects.get().expires_at == due
    replay.play(exchanges["a day old: refreshed"])
    assert Session.objects.get().expires_at > due + timedelta(hours=23)
    _assert_same(replay, 4)
