from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from django_jazzauth.api.social import providers
from django_jazzauth.tokens import remote_keys

from ..openapi.honesty import honest as honest
from .oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider

SECRET = "better-auth-test-secret-0123456789abcdef"
ORIGIN = "http://localhost:3100"


@pytest.fixture(scope="session")
def running_provider() -> Iterator[OidcProvider]:
    with OidcProvider() as provider:
        yield provider


@pytest.fixture
def provider(running_provider: OidcProvider) -> Iterator[OidcProvider]:
    running_provider.down, running_provider.id_tokens = False, True
    running_provider.id_token_claims, running_provider.lifetime = {}, 3600
    running_provider.token_requests = []
    providers.forget()
    remote_keys.forget()
    yield running_provider
    providers.forget()
    remote_keys.forget()


@pytest.fixture(autouse=True)
def captured_server(settings: Any, db: None, provider: OidcProvider, honest: Any) -> None:
    settings.ROOT_URLCONF = "tests.api.urls"
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "BASE_URL": ORIGIN,
        "SECRET": SECRET,
        "SOCIAL": {
            "PROVIDERS": {
                "google": {"CLIENT_ID": "google-client-id", "CLIENT_SECRET": "s"},
                "github": {"CLIENT_ID": "github-client-id", "CLIENT_SECRET": "s"},
                "testidp": {
                    "CLIENT_ID": CLIENT_ID,
                    "CLIENT_SECRET": CLIENT_SECRET,
                    "DISCOVERY_URL": f"{provider.url}/.well-known/openid-configuration",
                },
            }
        },
    }


def make_user(email: str, *, verified: bool) -> Any:
    return get_user_model().objects.sign_up(
        email=email, name="Local", password="correct-horse", email_verified=verified
    )


def post(client: Client, path: str, body: Any) -> Any:
    headers = {"origin": ORIGIN}
    return client.post(f"/api/auth{path}", body, content_type="application/json", headers=headers)
