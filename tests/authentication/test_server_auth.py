"""Every case of ``tests/data/jazz/server-auth.json``, through a view with JazzAuthentication."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from django_jazzauth.api.authentication import JazzAuthentication

from .conftest import Caller
from .issuer import Issuer

REFERENCE: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data/jazz/server-auth.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: case["id"])
def test_case(case: dict[str, Any], settings: Any, issuer: Issuer, monkeypatch: Any) -> None:
    options: dict[str, Any] = {
        "ALLOW_LOCAL_FIRST": case["config"]["allow_local_first_auth"],
        "BACKEND_SECRET": case["config"]["backend_secret"],
    }
    if "jwks" in case:
        issuer.keys = REFERENCE["key_sets"][case["jwks"]]
        options["JWKS_URL"] = issuer.url
    settings.JAZZAUTH = {**settings.JAZZAUTH, "APP_ID": case["app_id"], "JAZZ": options}
    monkeypatch.setattr(time, "time", lambda: case["now"])
    call = Caller(JazzAuthentication)
    answer = call(case["headers"])
    if not case["ok"]:
        assert answer.status_code == 401
        ours = json.loads(answer.content)
        assert (ours["error"], ours["code"]) == ("unauthenticated", case["error"]["code"])
        if not case["error"]["message"].startswith(("JWT signature", "no JWKS")):
            assert ours["message"] == case["error"]["message"]
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        return
    assert answer.status_code == 200
    if case["session"] is None:
        assert call.auth is None
        return
    assert call.auth.as_cookie_session() == {
        "user_id": case["session"]["user_id"],
        "claims": case["session"]["claims"],
        "authMode": case["session"]["auth_mode"],
    }
    assert call.user.is_authenticated
    assert str(call.user.pk) == case["session"]["user_id"]
