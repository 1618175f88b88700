"""Signing in with a provider: who gets in, who does not, and what is stored."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
from django.contrib.auth import get_user_model
from django.core import mail
from django.db import connection
from django.test import Client

from django_jazzauth.api.social import providers
from django_jazzauth.models import Account, Verification

from .conftest import ORIGIN, make_user, post
from .oidc_provider import OidcProvider


def with_social(settings: Any, **options: Any) -> None:
    social = settings.JAZZAUTH["SOCIAL"] | options
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SOCIAL": social}


def start(client: Client, path: str = "/sign-in/social", **body: Any) -> str:
    body = {"provider": "testidp", "callbackURL": "/dash", "errorCallbackURL": "/no", **body}
    answer = post(client, path, body)
    assert answer.status_code == 200, answer.content
    return str(answer.json()["url"])


def visit(url: str, email: str, **more: str) -> str:
    """What a browser does at the provider; returns where it is sent back to."""
    answer = requests.get(url, {"test_user": email, **more}, allow_redirects=False, timeout=5)
    return answer.headers["Location"].removeprefix(ORIGIN)


def sign_in(client: Client, email: str, visited: Any = None, **body: Any) -> str:
    """The whole way; returns where the browser ends."""
    answer = client.get(visit(start(client, **body), email, **(visited or {})))
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def who(client: Client) -> Any:
    session = client.get("/api/auth/get-session").json()
    return session and session["user"]["email"]


def test_a_new_user_has_no_password() -> None:
    client = Client()
    assert sign_in(client, "New@example.com", newUserCallbackURL="/welcome") == "/welcome"
    assert who(client) == "new@example.com"
    user = get_user_model().objects.with_email("new@example.com")
    assert user is not None
    assert user.email_verified and not user.has_usable_password()
    assert [account.provider_id for account in user.accounts.all()] == ["testidp"]
    assert sign_in(Client(), "new@example.com", newUserCallbackURL="/welcome") == "/dash"
    assert not Verification.objects.exists()


@pytest.mark.parametrize(
    ("verified", "options", "expected"),
    [
        ("0", {"SEND_ON_SIGN_UP": True}, 1),
        ("1", {"SEND_ON_SIGN_UP": True}, 0),
        ("0", {"REQUIRED": True}, 0),
        ("0", {"SEND_ON_SIGN_UP": True, "ENABLED": False}, 0),
    ],
)
def test_an_unverified_address_gets_a_mail(
    settings: Any, verified: str, options: dict[str, bool], expected: int
) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "EMAIL_VERIFICATION": options}
    for _ in range(2):  # at the sign-up only
        assert sign_in(Client(), "new@example.com", {"test_verified": verified}) == "/dash"
    assert [message.to for message in mail.outbox] == [["new@example.com"]] * expected


def test_tokens_are_sealed() -> None:
    sign_in(Client(), "new@example.com")
    account = Account.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM jazzauth_account")
        stored = repr([bytes(v) if isinstance(v, memoryview) else v for v in cursor.fetchone()])
    for secret in (account.access_token, account.refresh_token, account.id_token):
        assert secret and secret not in stored
    assert account.account_id not in stored


def test_pkce_state_and_nonce_are_new_each_time(provider: OidcProvider) -> None:
    first, second = (dict(parse_qsl(urlsplit(start(Client())).query)) for _i in range(2))
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
    sign_in(Client(), "new@example.com")
    assert len(provider.token_requests[0]["code_verifier"]) >= 43


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "other"},
        {"nonce": None},
        {"aud": "other-client"},
        {"aud": ["test-client", "other"], "azp": "other"},
        {"aud": ["test-client", "other"]},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"exp": None},
    ],
)
def test_id_tokens_that_prove_nothing(provider: OidcProvider, claims: Any) -> None:
    provider.id_token_claims = claims
    client = Client()
    assert sign_in(client, "new@example.com") == "/no?error=unable_to_get_user_info"
    assert who(client) is None


def test_without_id_token_the_provider_is_asked(provider: OidcProvider) -> None:
    provider.id_tokens = False
    client = Client()
    assert sign_in(client, "new@example.com") == "/dash"
    assert who(client) == "new@example.com"


def test_a_provider_that_is_down(provider: OidcProvider) -> None:
    client = Client()
    url = visit(start(client), "new@example.com")
    provider.down = True
    assert client.get(url).headers["Location"] == "/no?error=invalid_code"
    providers.forget()
    answer = post(client, "/sign-in/social", {"provider": "testidp"})
    assert (answer.status_code, answer.json()["code"]) == (503, "PROVIDER_UNAVAILABLE")


@pytest.mark.parametrize(
    ("local", "remote", "trusted", "linked"),
    [
        (True, True, False, True),
        (True, False, False, False),
        (True, False, True, True),
        (False, True, False, False),
        (False, True, True, False),
    ],
)
def test_linking_by_email(
    settings: Any, local: bool, remote: bool, trusted: bool, linked: bool
) -> None:
    with_social(settings, TRUSTED_PROVIDERS=["testidp"] if trusted else [])
    user = make_user("me@example.com", verified=local)
    client = Client()
    end = sign_in(client, "me@example.com", {"test_verified": "1" if remote else "0"})
    assert end == ("/dash" if linked else "/no?error=account_not_linked")
    assert user.accounts.count() == (2 if linked else 1)
    assert who(client) == ("me@example.com" if linked else None)


@pytest.mark.parametrize("address", ["\uff4de@example.com", "\u24dce@example.com"])
def test_an_address_that_only_looks_alike_is_not_linked(address: str) -> None:
    """Folding makes them equal; mailboxes they are two, and one may be anybody's."""
    user = make_user("me@example.com", verified=True)
    client = Client()
    assert sign_in(client, address) == "/no?error=account_not_linked"
    assert user.accounts.count() == 1
    assert who(client) is None


def test_settings_that_refuse(settings: Any) -> None:
    options = settings.JAZZAUTH["SOCIAL"]["PROVIDERS"]
    closed = {**options, "testidp": options["testidp"] | {"ALLOW_SIGN_UP": False}}
    with_social(settings, PROVIDERS=closed, LINK_BY_EMAIL=False)
    assert sign_in(Client(), "new@example.com") == "/no?error=signup_disabled"
    assert sign_in(Client(), "new@example.com", requestSignUp=True) == "/dash"
    assert sign_in(Client(), "new@example.com") == "/dash"
    make_user("me@example.com", verified=True)
    assert sign_in(Client(), "me@example.com") == "/no?error=account_not_linked"


def test_inactive_users_stay_out() -> None:
    sign_in(Client(), "new@example.com")
    get_user_model().objects.update(is_active=False)
    client = Client()
    assert sign_in(client, "new@example.com") == "/no?error=unable_to_create_session"
    assert who(client) is None


def test_a_state_belongs_to_one_browser_and_one_provider() -> None:
    client = Client()
    url = visit(start(client), "new@example.com")
    assert Client().get(url).headers["Location"] == "/no?error=state_mismatch"
    other = url.replace("/testidp", "/google")
    assert client.get(other).headers["Location"].endswith("?error=state_mismatch")
    # Neither of them has spoilt it for its owner; afterwards it is gone.
    assert client.get(url).headers["Location"] == "/dash"
    assert client.get(url).headers["Location"].endswith("/error?error=state_mismatch")
    for state in ("\x00", "x" * 1000, "\u20ac"):
        answer = client.get("/api/auth/callback/testidp", {"code": "x", "state": state})
        assert answer.headers["Location"].endswith("/error?error=state_mismatch")


def test_posted_callback_is_sent_on() -> None:
    client = Client(enforce_csrf_checks=True)
    url = visit(start(client), "new@example.com")
    form = dict(parse_qsl(urlsplit(url).query)) | {"user": "{}", "other": "x"}
    answer = client.post(
        "/api/auth/callback/testidp", form, headers={"origin": "https://appleid.apple.com"}
    )
    assert answer.status_code == 415  # multipart is nothing that a provider sends
    answer = client.post(
        "/api/auth/callback/testidp",
        "&".join(f"{name}={value}" for name, value in form.items()),
        content_type="application/x-www-form-urlencoded",
        headers={"origin": "https://appleid.apple.com"},
    )
    assert answer.status_code == 302
    location = answer.headers["Location"]
    assert parse_qs(urlsplit(location).query).keys() == {"code", "state", "user"}
    assert client.get(location.removeprefix(ORIGIN)).headers["Location"] == "/dash"


def test_extra_parameters_cannot_replace_the_protocols() -> None:
    url = start(
        Client(),
        scopes=["calendar", "openid"],
        loginHint="me@example.com",
        additionalParams={"hd": "example.com", "redirect_uri": "https://evil.example"},
    )
    query = parse_qs(urlsplit(url).query)
    assert query["redirect_uri"] == [f"{ORIGIN}/api/auth/callback/testidp"]
    assert query["scope"] == ["openid email profile calendar"]
    assert (query["hd"], query["login_hint"]) == (["example.com"], ["me@example.com"])


def test_sign_in_by_id_token(provider: OidcProvider) -> None:
    client = Client()
    token = provider.id_token(provider.user("app@example.com"), nonce="n")

    def send(**given: Any) -> Any:
        body = {"provider": "testidp", "idToken": {"token": token, **given}}
        return post(client, "/sign-in/social", body)

    assert (send(nonce="x").status_code, send(nonce="x").json()["code"]) == (401, "INVALID_TOKEN")
    answer = send(nonce="n", accessToken="at")
    assert answer.json().keys() == {"redirect", "token", "user"}
    assert who(client) == "app@example.com"
    assert Account.objects.get().access_token == "at"
    body = {"provider": "github", "idToken": {"token": token}}
    assert post(client, "/sign-in/social", body).json()["code"] == "ID_TOKEN_NOT_SUPPORTED"
    make_user("unverified@example.com", verified=False)
    token = provider.id_token(provider.user("unverified@example.com"))
    assert send().json()["code"] == "OAUTH_LINK_ERROR"


@pytest.mark.parametrize(
    "given",
    [
        {"idToken": {}},
        {"idToken": {"token": 5}},
        {"idToken": "x"},
        {"scopes": "email"},
        {"scopes": [1]},
        {"additionalParams": {"a": 1}},
        {"provider": 5},
        {"provider": None},
    ],
)
def test_malformed_bodies(given: Any) -> None:
    answer = post(Client(), "/sign-in/social", {"provider": "testidp", **given})
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "name", ["url", "uri", "self", "code_verifier", "code_challenge", "client_id"]
)
def test_parameters_that_are_ours_cannot_be_given(name: str) -> None:
    plain = urlsplit(start(Client()))
    odd = urlsplit(start(Client(), additionalParams={name: "theirs", "prompt": "login"}))
    assert odd[:3] == plain[:3]
    given, usual = parse_qs(odd.query), parse_qs(plain.query)
    assert given["prompt"] == ["login"]
    assert "theirs" not in given.get(name, ()) or name not in usual
