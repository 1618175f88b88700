"""System checks of the API's settings."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.db.models import BigAutoField

from django_jazzauth.api import setting_checks
from django_jazzauth.api.setting_checks import check_api_settings
from django_jazzauth.checks import TAG
from django_jazzauth.models import User

KNOWN = {"google": {"CLIENT_ID": "id", "CLIENT_SECRET": "s"}}


OURS = ["Argon2idPasswordHasher", "BetterAuthScryptHasher", "PBKDF2PasswordHasher"]


@pytest.fixture(autouse=True)
def pooled_hashers(settings: Any, captured_server: None) -> None:
    settings.PASSWORD_HASHERS = [f"django_jazzauth.hashers.{name}" for name in OURS]


@pytest.mark.parametrize(
    "hasher", ["PBKDF2PasswordHasher", "Argon2PasswordHasher", "MD5PasswordHasher"]
)
def test_w055_a_hasher_outside_of_the_pool(settings: Any, hasher: str) -> None:
    assert check_api_settings() == []
    settings.PASSWORD_HASHERS += [f"django.contrib.auth.hashers.{hasher}"]
    assert [message.id for message in check_api_settings()] == ["jazzauth.W055"]
    settings.DEBUG = True
    assert check_api_settings() == []
    settings.DEBUG = False
    settings.ROOT_URLCONF = "tests.api.no_urls"
    assert check_api_settings() == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, []),
        ({"SOCIAL": {"PROVIDERS": KNOWN, "TRUSTED_PROVIDERS": ["google"]}}, []),
        ({"SOCIAL": {"PROVIDERS": {"gogle": {"CLIENT_ID": "id"}}}}, ["jazzauth.E050"]),
        (
            {"SOCIAL": {"PROVIDERS": {"own": {"CLIENT_ID": "id", "DISCOVERY_URL": "https://a"}}}},
            [],
        ),
        ({"SOCIAL": {"TRUSTED_PROVIDERS": ["google"]}}, ["jazzauth.W050"]),
        ({"PROOF": {"REQUIRED": True}, "APP_ID": None}, ["jazzauth.E052"]),
        ({"PROOF": {"REQUIRED": True}, "APP_ID": "clinic"}, []),
        ({"PROOF": {"REQUIRED": True, "AUDIENCE": "clinic"}, "APP_ID": None}, []),
        ({"JAZZ": {"BACKEND_SECRET": "x" * 31}}, ["jazzauth.W051"]),
        ({"JAZZ": {"BACKEND_SECRET": "x" * 32}}, []),
        ({"SECRET": "short"}, ["jazzauth.W051"]),
        ({"EMAIL_VERIFICATION": {"REQUIRED": True, "ENABLED": False}}, ["jazzauth.W052"]),
        ({"BASE_URL": None}, ["jazzauth.W053"]),
        ({"NO_SUCH_SETTING": 1}, []),
    ],
)
def test_what_is_found(settings: Any, options: dict[str, Any], expected: list[str]) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, **options}
    found = check_api_settings()
    assert [message.id for message in found] == expected
    assert "xxx" not in str(found) and "short" not in str([m.msg for m in found])


def test_named_hosts_need_no_base_url(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["example.org"]
    settings.JAZZAUTH = {**settings.JAZZAUTH, "BASE_URL": None}
    assert check_api_settings() == []


def test_e051_without_authlib(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setting_checks, "find_spec", lambda name: None)
    assert check_api_settings() == []
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SOCIAL": {"PROVIDERS": KNOWN}}
    assert [message.id for message in check_api_settings()] == ["jazzauth.E051"]


def test_django_runs_them(settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SECRET": "short"}
    assert "jazzauth.W051" in [message.id for message in run_checks(tags=[TAG])]


def test_e053_the_api_without_sealed_users(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.contrib.auth.models import User as PlainUser

    monkeypatch.setattr(setting_checks, "get_user_model", lambda: PlainUser)
    assert [message.id for message in check_api_settings()] == ["jazzauth.E053"]
    settings.ROOT_URLCONF = "tests.api.no_urls"
    assert check_api_settings() == [], "nothing is served"


def test_e054_proofs_are_required_and_keys_are_numbers(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(User._meta, "pk", BigAutoField())
    assert check_api_settings() == []
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "PROOF": {"REQUIRED": True, "AUDIENCE": "clinic"},
    }
    assert [message.id for message in check_api_settings()] == ["jazzauth.E054"]


class Looks:
    """Middleware with a hook."""

    def process_view(self) -> None: ...


def test_w056_hooks_that_the_api_does_not_come_to(settings: Any) -> None:
    short = "django_jazzauth.api.middleware.ApiMiddleware"
    security = "django.middleware.security.SecurityMiddleware"
    looks = f"{__name__}.Looks"
    settings.MIDDLEWARE = [security, short, looks]
    assert check_api_settings() == []
    settings.MIDDLEWARE = [security, looks, short]
    (found,) = check_api_settings()
    assert found.id == "jazzauth.W056"
    assert looks in found.msg and "process_view" in found.msg
