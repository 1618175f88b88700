"""The settings of the captured Better Auth server, and ways to call the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from ..openapi.honesty import honest as honest

SECRET = "better-auth-test-secret-0123456789abcdef"
ORIGIN = "http://localhost:3100"


@pytest.fixture(autouse=True)
def captured_server(settings: Any, db: None, honest: Any) -> None:
    """Settings as the captured server had them."""
    settings.ROOT_URLCONF = "tests.api.urls"
    settings.ALLOWED_HOSTS = ["*"]
    settings.JAZZAUTH = {
        **getattr(settings, "JAZZAUTH", {}),
        "BASE_URL": ORIGIN,
        "SECRET": SECRET,
        "APP_ID": "captured-app",
        "TRUSTED_ORIGINS": [
            "http://localhost:3000",
            "https://*.trusted.example",
            "myapp://",
            "http://localhost:3199",
        ],
        "EMAIL_VERIFICATION": {"SEND_ON_SIGN_UP": True, "SIGN_IN_AFTER": True},
        "CHANGE_EMAIL": {"ENABLED": True},
        "DELETE_USER": {"ENABLED": True},
    }


class Api:
    """A browser that calls the API: keeps cookies, sends an origin."""

    def __init__(self, origin: str | None = ORIGIN) -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.origin = origin

    def get(self, path: str, **headers: str) -> Any:
        """GET below ``/api/auth``."""
        return self.client.get(f"/api/auth{path}", headers=self._headers(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """POST JSON below ``/api/auth``."""
        return self.client.post(
            f"/api/auth{path}",
            {} if body is None else body,
            content_type="application/json",
            headers=self._headers(headers),
        )

    def sign_up(self, email: str = "alice@example.com", **members: Any) -> Any:
        """Sign up with defaults; returns the response."""
        body = {"email": email, "password": "correct-horse-battery", "name": "Alice", **members}
        return self.post("/sign-up/email", body)

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return ({} if self.origin is None else {"origin": self.origin}) | named


@pytest.fixture
def api() -> Api:
    """A browser with no cookies yet."""
    return Api()
