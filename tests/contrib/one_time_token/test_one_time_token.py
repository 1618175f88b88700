from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from django_jazzauth.models import Session, User, Verification
from tests.api.conftest import Api
from tests.api.transcripts import VOLATILE, Replay, flow
from tests.contrib.replaying import assert_same

INVALID = {"message": "Invalid token"}


def test_recorded_exchanges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VOLATILE, "token", re.compile(r"[\w-]{32}"))
    replay = Replay()
    exchanges = flow("one-time-token", "one-time-token")
    replay.become(exchanges[1], "ott@example.com", name="ott")
    for exchange in exchanges:
        if exchange.step == "expired":
            Verification.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        answer = replay.play(exchange)
        if exchange.step == "generate":
            replay.learn(exchange.response["body"]["token"], answer.json()["token"])
    assert_same(replay, 8)


def test_the_session_itself_is_handed_on(api: Api) -> None:
    session = api.sign_up().json()["token"]
    token = api.get("/one-time-token/generate").json()["token"]
    assert re.fullmatch(r"[\w-]{32}", token)
    other = Api()
    assert other.post("/one-time-token/verify", {"token": token}).status_code == 200
    assert other.get("/get-session").json()["session"]["token"] == session
    assert Session.objects.count() == 1


def test_three_minutes(api: Api, settings: Any) -> None:
    api.sign_up()
    api.get("/one-time-token/generate")
    left = Verification.objects.get().expires_at - timezone.now()
    assert timedelta(seconds=170) < left <= timedelta(seconds=180)
    Verification.objects.all().delete()
    settings.JAZZAUTH = {**settings.JAZZAUTH, "ONE_TIME_TOKEN": {"EXPIRES_IN": 60}}
    api.get("/one-time-token/generate")
    assert Verification.objects.get().expires_at - timezone.now() <= timedelta(seconds=60)


def test_neither_token_rests_readable(api: Api) -> None:
    session = api.sign_up().json()["token"]
    token = api.get("/one-time-token/generate").json()["token"]
    opened = Verification.objects.get()
    assert token not in opened.identifier
    with connection.cursor() as cursor:
        for table in ("jazzauth_verification", "jazzauth_event"):
            cursor.execute(f"SELECT * FROM {table}")
            stored = repr(cursor.fetchall())
            assert token not in stored
            assert opened.identifier not in stored
            assert session not in stored


def test_an_ended_session_is_not_handed_on(api: Api) -> None:
    api.sign_up()
    token = api.get("/one-time-token/generate").json()["token"]
    api.post("/sign-out")
    answer = Api().post("/one-time-token/verify", {"token": token})
    assert (answer.status_code, answer.json()) == (400, {"message": "Session not found"})
    assert not answer.cookies


def test_a_deactivated_user_is_not_handed_on(api: Api) -> None:
    api.sign_up()
    token = api.get("/one-time-token/generate").json()["token"]
    user = User.objects.get()
    user.is_active = False
    user.save()
    assert Api().post("/one-time-token/verify", {"token": token}).status_code == 400


def test_another_site_signs_nobody_in(api: Api) -> None:
    api.sign_up()
    token = api.get("/one-time-token/generate").json()["token"]
    answer = Api("https://evil.example.net").post("/one-time-token/verify", {"token": token})
    assert (answer.status_code, answer.json()["code"]) == (403, "INVALID_ORIGIN")


@pytest.mark.parametrize("token", ["", "x", "ä" * 40, "a" * 100_000])
def test_odd_tokens(token: str) -> None:
    answer = Api().post("/one-time-token/verify", {"token": token})
    assert (answer.status_code, answer.json()) == (400, INVALID)


@pytest.mark.django_db(transaction=True)
def test_two_who_redeem_at_once(api: Api) -> None:
    api.sign_up()
    for _round in range(5):
        token = api.get("/one-time-token/generate").json()["token"]
        assert sorted(_at_once(token)) == [200, 400]


def _at_once(token: str) -> list[int]:
    start = threading.Barrier(2)
    statuses: list[int] = []

    def redeem() -> None:
        browser = Api()
        start.wait(timeout=30)
        try:
            answer = browser.post("/one-time-token/verify", {"token": token})
            statuses.append(answer.status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=redeem) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses
