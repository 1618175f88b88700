"""Rate limits: the recorded exchanges, the rules, and what is counted."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from django.core.cache import cache, caches

from django_jazzauth.api import throttling
from django_jazzauth.api.throttling import Rule, _count, rule_for
from django_jazzauth.conf import get_settings

from .conftest import Api
from .transcripts import Replay, flow


@pytest.fixture(autouse=True)
def limits(settings: Any, captured_server: None) -> None:
    limit(settings)


def limit(settings: Any, **options: Any) -> None:
    cache.clear()
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "TRUSTED_PROXIES": ["127.0.0.1"],
        "RATE_LIMIT": {"ENABLED": True, **options},
    }


def get_session(api: Any, address: str = "203.0.113.7") -> int:
    return int(api.get("/get-session", x_forwarded_for=address).status_code)


@pytest.mark.parametrize(
    ("name", "steps"), [("sign-in default rule", 6), ("password reset rule", 4)]
)
def test_recorded_exchanges(name: str, steps: int) -> None:
    replay = Replay(prefix="/rl")
    for exchange in flow("rate-limit", name):
        replay.play(exchange)
    assert replay.differences == []
    assert replay.steps == steps


def test_the_general_rule() -> None:
    replay = Replay(prefix="/rl")
    first, hundredth, last = flow("rate-limit", "general rule")
    replay.play(first)
    for _attempt in range(98):
        assert get_session(Api()) == 200
    replay.play(hundredth)
    replay.play(last)
    assert replay.differences == []


def test_only_what_is_counted_prolongs_the_wait() -> None:
    rule, now = Rule(("*",), 10, 3), 1_795_000_000.0
    for seconds in (0, 6, 9):
        assert _count(cache, "k", rule, now + seconds) is None
    # The last counted one was at 9: nothing before 19, however often one asks.
    for seconds in (9.5, 11, 15, 18.9):
        assert _count(cache, "k", rule, now + seconds) == pytest.approx(19 - seconds)
    for seconds in (19, 20, 21):
        assert _count(cache, "k", rule, now + seconds) is None
    assert _count(cache, "k", rule, now + 22) == pytest.approx(9)


class Counting:
    """A cache that counts what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(cache, name)


def test_one_operation_decides() -> None:
    rule, counting = Rule(("*",), 10, 3), Counting()
    _count(counting, "k", rule, 1000.0)
    counting.asked.clear()
    for _attempt in range(4):
        _count(counting, "k", rule, 1000.5)
    assert counting.asked == ["incr"] * 4


@pytest.mark.parametrize(
    "backend",
    [
        {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "limits"},
        {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache"},
    ],
)
def test_any_cache(api: Api, settings: Any, backend: dict[str, Any], tmp_path: Any) -> None:
    settings.CACHES = {
        "default": settings.CACHES["default"],
        "limits": {"LOCATION": str(tmp_path), **backend},
    }
    limit(settings, CACHE="limits", WINDOW=60, MAX=2)
    caches["limits"].clear()
    assert [get_session(api) for _attempt in range(3)] == [200, 200, 429]
    assert get_session(api, "203.0.113.8") == 200


def test_requests_at_the_same_moment() -> None:
    rule, passed = Rule(("*",), 10, 5), []
    barrier = threading.Barrier(20)

    def ask() -> None:
        barrier.wait()
        if _count(cache, "burst", rule, 1000.0) is None:
            passed.append(1)

    threads = [threading.Thread(target=ask) for _number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 5


class Together:
    """A cache behind a network: everybody has read before anybody goes on."""

    def __init__(self, readers: int) -> None:
        self._barrier, self._read = threading.Barrier(readers), threading.local()

    def incr(self, key: str, delta: int) -> Any:
        value = cache.incr(key, delta)
        if not hasattr(self._read, "once"):
            self._read.once = True
            self._barrier.wait()
        return value

    def __getattr__(self, name: str) -> Any:
        return getattr(cache, name)


def ask_together(rule: Rule, now: float, *, many: int) -> list[float | None]:
    together, waits = Together(many), list[float | None]()
    threads = [
        threading.Thread(target=lambda: waits.append(_count(together, "k", rule, now)))
        for _number in range(many)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits


def test_requests_that_find_the_window_over_at_the_same_moment() -> None:
    rule, now = Rule(("*",), 10, 3), 1_795_000_000.0
    assert _count(cache, "k", rule, now) is None
    waits = ask_together(rule, now + 10.5, many=12)
    assert sorted(waits, key=lambda wait: wait or 0) == [None] * 3 + [10.0] * 9


def test_requests_that_move_the_moment_at_the_same_time() -> None:
    rule, now = Rule(("*",), 10, 13), 1_795_000_000.0
    assert _count(cache, "k", rule, now) is None
    assert ask_together(rule, now + 9, many=12) == [None] * 12
    assert _count(cache, "k", rule, now + 9) == pytest.approx(10)


def test_rules(settings: Any) -> None:
    limit(
        settings,
        RULES={
            "/sign-in/email": {"WINDOW": 30, "MAX": 10},
            "/sign-in/*": {"WINDOW": 31, "MAX": 11},
            "/get-session": None,
        },
    )

    def found(path: str) -> tuple[int, int] | None:
        rule = rule_for(path)
        return rule and (rule.window, rule.most)

    assert found("/sign-in/email") == (30, 10)
    assert found("/sign-in/social") == (31, 11)
    assert found("/get-session") is None
    assert found("/sign-up/email") == (10, 3)
    assert found("/change-password") == (10, 3)
    assert found("/forget-password") == (60, 3)
    assert found("/request-password-reset") == (60, 3)
    assert found("/list-sessions") == (10, 100)


def test_mistyped_rules_are_named(settings: Any) -> None:
    limit(settings, RULES={"/x": {"WINDOW": 1, "MAXIMUM": 3}})
    with pytest.raises(Exception, match="RULES"):
        get_settings()


def test_households_with_ipv6_are_one(api: Api, settings: Any) -> None:
    limit(settings, MAX=2)
    addresses = ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:1::3", "2001:db8:0:2::1"]
    assert [get_session(api, address) for address in addresses] == [200, 200, 429, 200]


def test_forged_addresses_count_as_the_sender(api: Api, settings: Any) -> None:
    limit(settings, MAX=2)
    settings.JAZZAUTH = {**settings.JAZZAUTH, "TRUSTED_PROXIES": []}
    assert [get_session(api, f"203.0.113.{n}") for n in range(3)] == [200, 200, 429]


def test_all_reset_links_count_together(api: Api, settings: Any) -> None:
    limit(settings, MAX=2)
    answers = [api.get(f"/reset-password/{n}?callbackURL=/x") for n in range(3)]
    assert [answer.status_code for answer in answers] == [302, 302, 429]


def test_on_in_production_only(api: Api, settings: Any) -> None:
    limit(settings, ENABLED=None, MAX=1)
    assert [get_session(api) for _attempt in range(2)] == [200, 429]
    settings.DEBUG = True
    assert get_session(api) == 200


def test_the_cache_names_no_address(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []
    monkeypatch.setattr(throttling, "_count", lambda cache, key, rule, now: keys.append(key))
    get_session(api)
    assert "203.0.113.7" not in json.dumps(keys)
