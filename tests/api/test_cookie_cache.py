"""The session cache cookie, against cookies that Better Auth set."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.api.cookie_cache import decode_content, encode_content
from django_jazzauth.models import Session

from .conftest import Api
from .transcripts import Replay, flow

VECTORS = json.loads(
    (Path(__file__).parent.parent / "data" / "better-auth" / "vectors.json").read_text("utf-8")
)
SECRET = VECTORS["secret"]
STRATEGIES = ("compact", "jwt", "jwe")
ISSUED = 1795224240
NAME = "better-auth.session_data"

every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


def switch_on(settings: Any, **options: Any) -> None:
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "SESSION": {"COOKIE_CACHE": {"ENABLED": True, **options}},
    }


@every_strategy
def test_vectors(strategy: str) -> None:
    vector = VECTORS[strategy]
    raw = vector["sessionDataCookie"]["raw"]
    content = decode_content(raw, strategy=strategy, secret=SECRET, now=ISSUED)
    if strategy == "compact":
        expected = vector["sessionDataCookie"]["decoded"]["session"]
    else:
        expected = vector["sessionDataCookie"]["payload"]
    assert content == expected
    assert decode_content(raw, strategy=strategy, secret=SECRET, now=ISSUED + 400) is None
    assert decode_content(raw, strategy=strategy, secret="x" * 40, now=ISSUED) is None
    for other in set(STRATEGIES) - {strategy}:
        assert decode_content(raw, strategy=other, secret=SECRET, now=ISSUED) is None


def test_compact_is_the_same_byte_for_byte() -> None:
    cookie = VECTORS["compact"]["sessionDataCookie"]
    content = cookie["decoded"]["session"]
    now = content["updatedAt"] / 1000
    text = encode_content(content, strategy="compact", secret=SECRET, max_age=300, now=now)
    assert text == cookie["raw"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.sampled_from(STRATEGIES), st.dictionaries(st.text(), _JSON), st.text())
def test_what_goes_in_comes_out(strategy: str, user: dict[str, Any], noise: str) -> None:
    content = {"session": {"token": "x"}, "user": user, "version": "1"}
    text = encode_content(content, strategy=strategy, secret=SECRET, max_age=300, now=1000.5)
    found = decode_content(text, strategy=strategy, secret=SECRET, now=1299.0)
    assert found is not None
    assert found["user"] == user
    assert decode_content(text, strategy=strategy, secret=SECRET, now=1316.5) is None
    assert decode_content(noise, strategy=strategy, secret=SECRET, now=1000) is None
    assert decode_content(text + "AAAA", strategy=strategy, secret=SECRET, now=1000) is None


@every_strategy
@pytest.mark.parametrize("content", [{}, {"session": {}}, {"session": [], "user": {}}])
def test_other_content_counts_for_nothing(strategy: str, content: dict[str, Any]) -> None:
    text = encode_content(content, strategy=strategy, secret=SECRET, max_age=300, now=1000)
    assert decode_content(text, strategy=strategy, secret=SECRET, now=1000) is None


@every_strategy
def test_recorded_exchanges(settings: Any, strategy: str) -> None:
    switch_on(settings, STRATEGY=strategy)
    replay = Replay(prefix=f"/cc-{strategy}")
    for exchange in flow("cookies", f"cc-{strategy}"):
        replay.play(exchange)
    assert replay.differences == []
    assert replay.steps == 10


@every_strategy
def test_no_query_while_it_is_valid(api: Api, settings: Any, strategy: str) -> None:
    switch_on(settings, STRATEGY=strategy)
    api.sign_up()
    api.get("/get-session")
    with CaptureQueriesContext(connection) as queries:
        answer = api.get("/get-session")
    assert answer.json()["user"]["email"] == "alice@example.com"
    # The signing key is kept in memory once it is committed, which a test never does.
    asked = [query["sql"] for query in queries if "jazzauth_signing_key" not in query["sql"]]
    assert asked == []


def test_it_runs_out(api: Api, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    switch_on(settings)
    api.sign_up()
    get_user_model().objects.update(name="New")
    assert api.get("/get-session").json()["user"]["name"] == "Alice"
    later = time.time() + 301
    monkeypatch.setattr("django_jazzauth.api.cookies.time.time", lambda: later)
    answer = api.get("/get-session")
    assert answer.json()["user"]["name"] == "New"
    assert NAME in answer.cookies


def test_a_new_version_makes_every_cookie_count_for_nothing(api: Api, settings: Any) -> None:
    switch_on(settings)
    api.sign_up()
    get_user_model().objects.update(name="New")
    switch_on(settings, VERSION="2")
    assert api.get("/get-session").json()["user"]["name"] == "New"


def test_it_vouches_for_its_own_session_only(api: Api, settings: Any) -> None:
    switch_on(settings)
    api.sign_up()
    bob = Api()
    bob.sign_up("bob@example.com")
    bob.client.cookies[NAME] = api.client.cookies[NAME].value
    assert bob.get("/get-session").json()["user"]["email"] == "bob@example.com"
    del bob.client.cookies["better-auth.session_token"]
    bob.client.cookies[NAME] = api.client.cookies[NAME].value
    assert bob.get("/get-session").json() is None


def test_it_does_not_outlive_the_session(api: Api, settings: Any) -> None:
    switch_on(settings)
    settings.JAZZAUTH["SESSION"]["EXPIRES_IN"] = 1
    settings.JAZZAUTH = dict(settings.JAZZAUTH)
    api.sign_up()
    time.sleep(1.1)
    assert api.get("/get-session").json() is None


def test_other_endpoints_do_not_believe_it(api: Api, settings: Any) -> None:
    switch_on(settings)
    api.sign_up()
    Session.objects.all().delete()
    assert api.get("/get-session").json() is not None
    assert api.get("/list-sessions").status_code == 401


def test_a_long_one_is_split(api: Api, settings: Any) -> None:
    switch_on(settings)
    api.sign_up(image="https://example.com/" + "x" * 6000)
    parts = sorted(name for name in api.client.cookies if "session_data" in name)
    assert parts == [f"{NAME}.0", f"{NAME}.1", f"{NAME}.2"]
    assert all(len(morsel.OutputString()) < 4096 for morsel in api.client.cookies.values())
    get_user_model().objects.update(name="New")
    assert api.get("/get-session").json()["user"]["name"] == "Alice"
    answer = api.post("/update-user", {"image": None})
    assert [answer.cookies[part]["max-age"] for part in parts] == ["0"] * 3
    assert answer.cookies[NAME].value
    answer = api.post("/sign-out")
    assert set(parts) < set(answer.cookies)


def test_revoked_at_once(api: Api, settings: Any) -> None:
    switch_on(settings, REVOKE_AT_ONCE=True)
    cache.clear()
    api.sign_up()
    other = Api()
    other.post(
        "/sign-in/email", {"email": "alice@example.com", "password": "correct-horse-battery"}
    )
    assert other.get("/get-session").json() is not None
    api.post("/revoke-other-sessions")
    assert other.get("/get-session").json() is None
    assert api.get("/get-session").json() is not None
    user: Any = get_user_model().objects.get()
    user.is_active = False
    user.save()
    assert api.get("/get-session").json() is None


def test_with_claims_of_the_project_the_token_needs_a_real_user(api: Api, settings: Any) -> None:
    switch_on(settings)
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "JWT": {"CLAIMS": "tests.api.test_cookie_cache.staff_claims"},
    }
    api.sign_up()
    assert "Set-Auth-Jwt" not in api.get("/get-session").headers
    assert "Set-Auth-Jwt" in api.get("/get-session?disableCookieCache=1").headers


def staff_claims(user: Any, session: Any) -> dict[str, Any]:
    return {"staff": user.is_staff}


def test_renewal_updates_the_session(api: Api) -> None:
    api.sign_up()
    Session.objects.update(expires_at=timezone.now() + timedelta(days=5))
    before = Session.objects.get().updated_at
    answer = api.get("/get-session")
    assert Session.objects.get().updated_at > before
    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert sorted(exposed.split(", ")) == ["set-auth-jwt", "set-auth-token"]
