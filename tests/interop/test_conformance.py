"""The conformance server itself: what checks from outside begin with."""

from __future__ import annotations

from pathlib import Path

import requests

from example_project import settings, settings_conformance

from ..project.test_repository import demo
from ..social.oidc_provider import OidcProvider
from .server import Server

ADMINISTRATOR = {"email": "root-admin@example.com", "password": "root-admin-password"}
SOMEBODY = {"email": "ana@example.com", "password": "correct-horse-battery", "name": "Ana"}


def test_each_start_begins_anew(tmp_path: Path, idp: OidcProvider) -> None:
    for _ in range(2):
        with Server(tmp_path, idp.url) as server:
            api = f"{server.url}/api/auth"
            signed_in = requests.post(f"{api}/sign-in/email", json=ADMINISTRATOR, timeout=30)
            assert signed_in.json()["user"]["emailVerified"] is True
            assert requests.get(f"{server.url}/test-outbox", timeout=30).json() == []
            signed_up = requests.post(f"{api}/sign-up/email", json=SOMEBODY, timeout=30)
            assert signed_up.status_code == 200, signed_up.text
            for address in (f"{server.url}/test-outbox", f"{api}/test-outbox"):
                (mail,) = requests.get(address, timeout=30).json()
                assert mail.keys() == {"to", "kind", "url", "token", "otp", "subject", "body"}
                assert mail["to"] == SOMEBODY["email"]
                assert mail["url"].startswith(f"{api}/verify-email?token={mail['token']}")
            style = requests.get(f"{server.url}/static/admin/css/base.css", timeout=30)
            assert style.status_code == 200


def test_it_is_for_the_conformance_settings_only(tmp_path: Path) -> None:
    done = demo(tmp_path, "conformance_server")
    assert done.returncode == 1
    assert "example_project.settings_conformance" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_it_is_in_the_examples_own_settings() -> None:
    assert settings_conformance.JAZZAUTH["SECRET"] == "better-auth-test-secret-0123456789abcdef"
    assert "SECRET" not in settings.JAZZAUTH
    assert "TEST_OUTBOX" not in settings.JAZZAUTH
    assert settings_conformance.PLUGINS[-1].endswith(".multi_session")
