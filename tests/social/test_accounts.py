"""Linked accounts and their tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client
from django.utils import timezone

from django_jazzauth.api.social.definitions import DEFINITIONS
from django_jazzauth.api.social.linked_accounts import accounts_of
from django_jazzauth.api.social.profile import read_profile, with_listed_email
from django_jazzauth.api.social.protocol import Tokens
from django_jazzauth.models import Account

from .conftest import make_user, post
from .oidc_provider import OidcProvider
from .test_sign_in import sign_in, start, visit, with_social


@pytest.fixture
def client() -> Client:
    made = Client()
    sign_in(made, "me@example.com")
    return made


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_tokens_by_either_kind_of_body(client: Client) -> None:
    account = Account.objects.get()
    for body in (
        {"accountId": str(account.pk)},
        {"providerId": "testidp"},
        {"providerId": "testidp", "accountId": account.account_id},
    ):
        answer = post(client, "/get-access-token", body)
        assert answer.json()["accessToken"] == account.access_token
    for body in ({"accountId": account.account_id}, {"providerId": "google"}):
        assert code(post(client, "/get-access-token", body)) == (400, "ACCOUNT_NOT_FOUND")
    assert code(post(client, "/get-access-token", {})) == (400, "VALIDATION_ERROR")
    assert post(Client(), "/get-access-token", {"providerId": "testidp"}).status_code == 401


def test_the_account_that_a_cookie_names(settings: Any) -> None:
    with_social(settings, ACCOUNT_COOKIE=True, LINK_OTHER_EMAILS=True)
    client, body = Client(), {"useAccountCookie": True}
    sign_in(client, "me@example.com")
    for path in ("/get-access-token", "/refresh-token"):
        answer = post(client, path, body)
        account = Account.objects.get()
        assert answer.json()["accessToken"] == account.access_token
    cookie = client.cookies["better-auth.account_data"]
    assert account.access_token not in cookie.value

    other = Client()
    sign_in(other, "other@example.com")
    other.cookies["better-auth.account_data"] = cookie.value
    assert code(post(other, "/get-access-token", body)) == (400, "ACCOUNT_NOT_FOUND")
    genuine = cookie.value
    client.cookies["better-auth.account_data"] = f"{account.pk}.{'A' * 43}%3D"
    assert code(post(client, "/get-access-token", body)) == (400, "ACCOUNT_NOT_FOUND")
    client.cookies["better-auth.account_data"] = genuine
    post(client, "/sign-out", {})
    assert client.cookies["better-auth.account_data"].value == ""


def test_without_the_setting_there_is_no_such_cookie(client: Client) -> None:
    assert "better-auth.account_data" not in client.cookies
    answer = post(client, "/get-access-token", {"useAccountCookie": True})
    assert code(answer) == (400, "ACCOUNT_NOT_FOUND")


def test_the_token_by_get(client: Client) -> None:
    account = Account.objects.get()
    path = "/api/auth/get-access-token"
    for query in ({"accountId": str(account.pk)}, {"providerId": "testidp"}):
        answer = client.get(path, query)
        assert answer.json()["accessToken"] == account.access_token
        assert answer["Cache-Control"] == "no-store"
    assert code(client.get(path)) == (400, "VALIDATION_ERROR")
    assert Client().get(path, {"providerId": "testidp"}).status_code == 401


def test_the_paths_of_version_1_4(settings: Any) -> None:
    client = Client()
    body = {"providerId": "testidp", "callbackURL": "/dash"}
    answer = post(client, "/sign-in/oauth2", body)
    back = visit(answer.json()["url"], "me@example.com")
    assert back.startswith("/api/auth/callback/testidp?")
    assert client.get(back)["Location"] == "/dash"
    account = Account.objects.get()
    account.delete()
    back = visit(post(client, "/oauth2/link", body).json()["url"], "me@example.com")
    assert client.get(back)["Location"] == "/dash"
    assert Account.objects.get().account_id == account.account_id
    assert code(post(client, "/oauth2/link", {})) == (400, "VALIDATION_ERROR")
    unknown = post(client, "/sign-in/oauth2", {"providerId": "nobody"})
    assert code(unknown) == (404, "PROVIDER_NOT_FOUND")


def test_somebody_elses_account(client: Client) -> None:
    mine = Account.objects.get()
    other = Client()
    sign_in(other, "other@example.com")
    for path in ("/get-access-token", "/refresh-token"):
        answer = post(other, path, {"accountId": str(mine.pk)})
        assert code(answer) == (400, "ACCOUNT_NOT_FOUND")
    info = other.get("/api/auth/account-info", {"accountId": str(mine.pk)})
    assert code(info) == (400, "ACCOUNT_NOT_FOUND")


def test_expired_tokens_are_renewed(client: Client, provider: OidcProvider) -> None:
    account = Account.objects.get()
    old = account.access_token
    account.access_token_expires_at = timezone.now() - timedelta(seconds=1)
    account.save()
    fresh = post(client, "/get-access-token", {"providerId": "testidp"}).json()
    assert fresh["accessToken"] != old
    account.refresh_from_db()
    assert account.access_token == fresh["accessToken"]
    provider.down = True
    answer = post(client, "/refresh-token", {"providerId": "testidp"})
    assert code(answer) == (400, "FAILED_TO_REFRESH_ACCESS_TOKEN")
    account.refresh_token = None
    account.save()
    answer = post(client, "/refresh-token", {"providerId": "testidp"})
    assert code(answer) == (400, "REFRESH_TOKEN_NOT_FOUND")


def test_account_info_asks_without_id_token(client: Client, provider: OidcProvider) -> None:
    account = Account.objects.get()
    account.id_token = None
    account.save()
    path = f"/api/auth/account-info?accountId={account.pk}"
    assert client.get(path).json()["user"]["email"] == "me@example.com"
    account.access_token = "wrong"
    account.save()
    assert code(client.get(path)) == (400, "FAILED_TO_GET_USER_INFO")


def test_unlinking(client: Client, settings: Any) -> None:
    account = Account.objects.get()
    assert code(post(client, "/unlink-account", {"providerId": "testidp"})) == (
        400,
        "FAILED_TO_UNLINK_LAST_ACCOUNT",
    )
    with_social(settings, UNLINK_LAST=True)
    other = {"accountId": account.account_id}
    assert code(post(client, "/unlink-account", other)) == (400, "ACCOUNT_NOT_FOUND")
    assert code(post(client, "/unlink-account", {})) == (400, "VALIDATION_ERROR")
    assert post(client, "/unlink-account", {"providerId": "testidp"}).json() == {"status": True}
    assert not Account.objects.exists()


def test_unlinking_the_password(provider: OidcProvider) -> None:
    user = make_user("me@example.com", verified=True)
    client = Client()
    sign_in(client, "me@example.com")
    assert post(client, "/unlink-account", {"providerId": "credential"}).status_code == 200
    user.refresh_from_db()
    assert not user.has_usable_password()
    body = {"email": "me@example.com", "password": "correct-horse"}
    assert post(Client(), "/sign-in/email", body).status_code == 401


def test_unlinking_both_at_once_leaves_one(client: Client) -> None:
    """The other request took the password away while this one waited for the rows."""
    early = get_user_model().objects.get()
    late = get_user_model().objects.get()
    late.set_password("correct-horse")
    late.save()
    early.refresh_from_db()
    assert [one.provider_id for one in accounts_of(early)] == ["credential", "testidp"]
    late.set_unusable_password()
    late.save()
    with transaction.atomic():
        assert [one.provider_id for one in accounts_of(early, lock=True)] == ["testidp"]


def test_who_was_not_made_by_the_api_has_the_account_of_their_password() -> None:
    user = get_user_model().objects.create_superuser(
        "root", "root@example.com", "correct-horse", first_name="Ruth", last_name="Oo"
    )
    client = Client()
    post(client, "/sign-in/email", {"email": "root@example.com", "password": "correct-horse"})
    assert client.get("/api/auth/get-session").json()["user"]["name"] == "Ruth Oo"
    (listed,) = client.get("/api/auth/list-accounts").json()
    assert listed["providerId"] == "credential"
    assert listed["accountId"] == listed["userId"] == str(user.pk)
    assert client.get("/api/auth/list-accounts").json() == [listed]
    body = {"accountId": listed["id"]}
    assert code(post(client, "/unlink-account", body)) == (400, "FAILED_TO_UNLINK_LAST_ACCOUNT")
    Account.objects.create(user=user, provider_id="testidp", account_id="1")
    assert post(client, "/unlink-account", body).json() == {"status": True}
    user.refresh_from_db()
    assert not user.has_usable_password()
    assert [one["providerId"] for one in client.get("/api/auth/list-accounts").json()] == [
        "testidp"
    ]


def link(client: Client, email: str, **visited: str) -> str:
    url = visit(start(client, "/link-social"), email, **visited)
    return str(client.get(url).headers["Location"])


def test_linking_to_the_signed_in_user(settings: Any) -> None:
    user = make_user("me@example.com", verified=False)
    client = Client()
    post(client, "/sign-in/email", {"email": "me@example.com", "password": "correct-horse"})
    assert link(client, "me@example.com", test_verified="0") == "/no?error=unable_to_link_account"
    assert link(client, "else@example.com") == "/no?error=email_does_not_match"
    assert link(client, "me@example.com") == "/dash"
    assert link(client, "me@example.com") == "/dash"
    user.refresh_from_db()
    # The provider has verified the very address, and the user is signed in to both.
    assert user.email_verified
    with_social(settings, LINK_OTHER_EMAILS=True)
    sign_in(Client(), "other@example.com")
    refused = "/no?error=account_already_linked_to_different_user"
    assert link(client, "other@example.com") == refused
    assert link(client, "third@example.com") == "/dash"
    assert user.accounts.count() == 3


def test_linking_by_id_token(provider: OidcProvider) -> None:
    make_user("me@example.com", verified=True)
    client = Client()
    post(client, "/sign-in/email", {"email": "me@example.com", "password": "correct-horse"})

    def send(email: str) -> Any:
        token = provider.id_token(provider.user(email))
        body = {"provider": "testidp", "idToken": {"token": token}}
        return post(client, "/link-social", body)

    assert code(send("x@example.com")) == (401, "LINKING_DIFFERENT_EMAILS_NOT_ALLOWED")
    assert send("me@example.com").json() == {"url": "", "status": True, "redirect": False}


ANSWERS: dict[str, dict[str, Any]] = {
    "github": {"id": 7, "login": "me", "name": None, "avatar_url": "https://i/7"},
    "discord": {"id": "7", "username": "me", "email": "A@b.c", "verified": True, "avatar": "h"},
    "facebook": {"id": "7", "name": "me", "email": "a@b.c", "picture": {"data": {"url": "u"}}},
    "spotify": {"id": "7", "display_name": "me", "email": "a@b.c", "images": [{"url": "u"}]},
    "twitter": {"data": {"id": "7", "username": "me", "confirmed_email": "a@b.c"}},
    "patreon": {"data": {"id": "7", "attributes": {"full_name": "me", "email": "a@b.c"}}},
    "kick": {"data": [{"user_id": 7, "name": "me", "email": "a@b.c"}]},
}


@pytest.mark.parametrize("name", ANSWERS)
def test_profiles(name: str) -> None:
    profile = read_profile(DEFINITIONS[name], ANSWERS[name])
    assert profile is not None
    assert (profile.id, profile.name) == ("7", "me")
    assert profile.email == (None if name == "github" else "a@b.c")
    assert profile.email_verified is (name in ("discord", "twitter"))


def test_profiles_that_say_nothing() -> None:
    google = DEFINITIONS["google"]
    for answer in ({}, {"sub": ""}, {"sub": True}, {"sub": ["x"]}, {"sub": "x" * 256}):
        assert read_profile(google, answer) is None
    unsure = read_profile(google, {"sub": "x", "email": "a@b.c", "email_verified": "yes"})
    assert unsure is not None and not unsure.email_verified


def test_listed_emails() -> None:
    listed = [{"email": "b@c.d", "verified": True}, {"email": "a@b.c", "primary": True}]
    assert with_listed_email({"id": 7}, listed) == {
        "id": 7,
        "email": "a@b.c",
        "email_verified": False,
    }
    assert with_listed_email({"email": "x@y.z"}, None)["email_verified"] is False


def test_definitions_are_complete() -> None:
    assert len(DEFINITIONS) == 15
    for definition in DEFINITIONS.values():
        assert definition.scopes
        assert definition.userinfo or definition.jwks
        assert bool(definition.jwks) == bool(definition.issuer)


def test_repr_shows_no_token() -> None:
    shown = repr(Tokens(access_token="a-secret", refresh_token="b-secret", id_token="c-secret"))
    assert "secret" not in shown
