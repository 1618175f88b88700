from __future__ import annotations

from typing import Any

from tests.api.conftest import Api
from tests.api.plugin_setup import install
from tests.contrib.replaying import assert_same, replay_flows


def test_recorded_exchanges() -> None:
    assert_same(replay_flows("bearer", "bearer"), 13)


def test_without_the_plugin_there_is_no_header_and_none_is_read(settings: Any, api: Api) -> None:
    install(settings)
    signed_up = api.sign_up()
    assert "Set-Auth-Token" not in signed_up
    assert "Access-Control-Expose-Headers" not in signed_up
    bearer = f"Bearer {signed_up.json()['token']}"
    assert Api().get("/get-session", authorization=bearer).json() is None


def test_the_header_comes_with_every_session_cookie(api: Api) -> None:
    signed_up = api.sign_up()
    assert signed_up["Set-Auth-Token"].startswith(signed_up.json()["token"] + ".")
    assert api.post("/update-user", {"name": "B"})["Set-Auth-Token"] == signed_up["Set-Auth-Token"]
    assert "Set-Auth-Token" not in api.get("/list-sessions")


def test_a_bearer_token_comes_before_the_cookie(api: Api) -> None:
    api.sign_up()
    bob = Api().sign_up("bob@example.com", name="Bob").json()["token"]
    shown = api.get("/get-session", authorization=f"Bearer {bob}").json()
    assert shown["user"]["name"] == "Bob"
