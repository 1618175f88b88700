"""What the recordings do not show of verification, reset, change of address and deletion."""

from __future__ import annotations

import logging
from typing import Any

import django
import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.db import connection

from django_jazzauth.api import email_tokens, mails
from django_jazzauth.api.cookie_cache import encode_content
from django_jazzauth.api.email_tokens import EmailToken
from django_jazzauth.models import Session, Verification

from .conftest import SECRET, Api
from .mailbox import letters

PASSWORD = "correct-horse-battery"


def with_settings(settings: Any, **groups: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, **groups}


def path_of(url: str) -> str:
    return url.removeprefix("http://localhost:3100/api/auth")


def test_the_older_path_asks_for_a_reset_too(api: Api) -> None:
    api.sign_up()
    answer = api.post("/forget-password", {"email": "Alice@example.com", "redirectTo": "/reset"})
    assert answer.json()["status"] is True
    assert letters()[-1].url.endswith("?callbackURL=%2Freset")


def test_a_reset_link_without_a_page_leads_to_the_error_page(api: Api) -> None:
    api.sign_up()
    api.post("/request-password-reset", {"email": "alice@example.com"})
    answer = api.get(path_of(letters()[-1].url))
    assert answer["Location"] == "http://localhost:3100/api/auth/error?error=INVALID_TOKEN"
    # The token was not used up by that.
    body = {"newPassword": "another-horse-battery", "token": letters()[-1].token}
    assert api.post("/reset-password", body).json() == {"status": True}


def test_a_reset_link_keeps_the_query_of_its_page(api: Api) -> None:
    api.sign_up()
    api.post("/request-password-reset", {"email": "alice@example.com"})
    token = letters()[-1].token
    answer = api.get(f"/reset-password/{token}?callbackURL=%2Freset%3Fa%3D1")
    assert answer["Location"] == f"http://localhost:3100/reset?a=1&token={token}"


def test_nobody_gets_no_reset_and_the_same_work_is_done(api: Api) -> None:
    api.sign_up()
    sent = len(mail.outbox)
    answers = [
        api.post("/request-password-reset", {"email": email})
        for email in ("alice@example.com", "ghost@example.com")
    ]
    assert answers[0].content == answers[1].content
    assert len(mail.outbox) == sent + 1
    assert sorted(bool(row.value) for row in Verification.objects.all()) == [False, True]


def test_a_deactivated_user_cannot_come_back_by_mail(api: Api) -> None:
    api.sign_up()
    api.post("/request-password-reset", {"email": "alice@example.com"})
    token = letters()[-1].token
    get_user_model().objects.update(is_active=False)
    sent = len(mail.outbox)
    api.post("/request-password-reset", {"email": "alice@example.com"})
    api.post("/send-verification-email", {"email": "alice@example.com"})
    assert len(mail.outbox) == sent
    answer = api.post("/reset-password", {"newPassword": "another-horse-1", "token": token})
    assert answer.json()["code"] == "INVALID_TOKEN"
    text = email_tokens.make(EmailToken("alice@example.com"), secret=SECRET, seconds=60)
    assert api.get(f"/verify-email?token={text}").json()["code"] == "USER_NOT_FOUND"


def test_a_failing_mail_server_changes_no_answer(
    api: Api, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    broken = "tests.api.test_mail_flows.BrokenBackend"
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": broken}}
    else:
        settings.EMAIL_BACKEND = broken
    with caplog.at_level(logging.ERROR, "django_jazzauth.mail"):
        assert api.sign_up().status_code == 200
    assert "verify-email" in caplog.text
    assert "OSError" in caplog.text
    assert "alice@example.com" not in caplog.text


class BrokenBackend:
    """A mail server that names the address in its complaint."""

    def __init__(self, **kwargs: Any) -> None:
        pass

    def send_messages(self, messages: Any) -> int:
        raise OSError(f"no such mailbox: {messages[0].to}")


def test_mails_in_the_background(api: Api, settings: Any) -> None:
    with_settings(settings, MAIL_IN_BACKGROUND=True)
    api.sign_up()
    mails._pool().shutdown(wait=True)
    mails._pool.cache_clear()
    assert letters()[-1].to == "alice@example.com"


def test_a_project_overrides_the_texts(api: Api, settings: Any, tmp_path: Any) -> None:
    folder = tmp_path / "django_jazzauth" / "email"
    folder.mkdir(parents=True)
    (folder / "verify-email.subject.txt").write_text("Hello\n{{ user.name }}\n", "utf-8")
    (folder / "verify-email.html").write_text("<a href='{{ url }}'>here</a>", "utf-8")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    api.sign_up(name="Alice & Bob")
    sent: Any = mail.outbox[-1]
    assert sent.subject == "Hello Alice &amp; Bob"
    assert sent.alternatives[0][1] == "text/html"
    assert "&amp;callbackURL" in sent.alternatives[0][0]


def test_subjects_are_not_escaped(api: Api, settings: Any) -> None:
    with_settings(settings, APP_NAME="Fish & Chips")
    api.sign_up()
    assert mail.outbox[-1].subject == "Verify your e-mail address for Fish & Chips"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "INVALID_TOKEN"),
        ("a.b.c", "INVALID_TOKEN"),
        (email_tokens.make(EmailToken("alice@example.com"), secret="x" * 40, seconds=9**6), None),
        (email_tokens.make(EmailToken("nobody"), secret=SECRET, seconds=9**6), None),
        (
            encode_content(
                {"session": {}, "user": {}}, strategy="jwt", secret=SECRET, max_age=9**9, now=1.0
            ),
            None,
        ),
    ],
)
def test_tokens_that_prove_nothing(api: Api, text: str, code: str | None) -> None:
    api.sign_up()
    answer = api.get(f"/verify-email?token={text}")
    assert (answer.status_code, answer.json()["code"]) == (401, code or "INVALID_TOKEN")
    assert not get_user_model().objects.get().email_verified


def test_a_link_of_somebody_else_does_not_change_my_address(api: Api) -> None:
    api.sign_up()
    bob = Api()
    bob.sign_up("bob@example.com")
    alice = str(get_user_model().objects.get(email="alice@example.com").pk)
    token = EmailToken("alice@example.com", "new@example.com", email_tokens.VERIFY_CHANGE, alice)
    text = email_tokens.make(token, secret=SECRET, seconds=60)
    assert bob.get(f"/verify-email?token={text}").json()["code"] == "INVALID_USER"
    assert get_user_model().objects.with_email("alice@example.com") is not None


def test_an_address_that_was_taken_in_the_meantime(api: Api) -> None:
    api.sign_up()
    api.post("/change-email", {"newEmail": "new@example.com"})
    url = letters("new@example.com")[-1].url
    Api().sign_up("new@example.com")
    answer = api.get(path_of(url))
    assert answer["Location"] == "/?error=FAILED_TO_UPDATE_USER"
    assert api.get("/get-session").json()["user"]["email"] == "alice@example.com"


def test_the_link_to_the_new_address_signs_a_signed_out_owner_in(api: Api) -> None:
    api.sign_up()
    api.post("/change-email", {"newEmail": "new@example.com"})
    stranger = Api()
    stranger.get(path_of(letters("new@example.com")[-1].url))
    assert stranger.get("/get-session").json()["user"]["email"] == "new@example.com"
    # Followed again, the old address is nobody's any more.
    answer = stranger.get(path_of(letters("new@example.com")[-1].url))
    assert answer["Location"] == "/?error=USER_NOT_FOUND"


def test_an_unverified_address_may_be_replaced_at_once(api: Api, settings: Any) -> None:
    with_settings(settings, CHANGE_EMAIL={"ENABLED": True, "WITHOUT_VERIFICATION": True})
    api.sign_up()
    answer = api.post("/change-email", {"newEmail": "New@example.com"})
    assert "better-auth.session_token" in answer.cookies
    user: Any = get_user_model().objects.get()
    assert (user.email, user.email_verified) == ("new@example.com", False)
    api.get(path_of(letters("new@example.com")[-1].url))
    assert get_user_model().objects.get().email_verified


def test_endpoints_that_are_switched_off(api: Api, settings: Any) -> None:
    with_settings(settings, CHANGE_EMAIL={}, DELETE_USER={})
    api.sign_up()
    answer = api.post("/change-email", {"newEmail": "new@example.com"})
    assert answer.json()["code"] == "CHANGE_EMAIL_DISABLED"
    for answer in (api.post("/delete-user", {}), api.get("/delete-user/callback?token=x")):
        assert (answer.status_code, answer.content) == (404, b"")


def test_unverified_users_are_reminded(api: Api, settings: Any) -> None:
    with_settings(settings, EMAIL_VERIFICATION={"REQUIRED": True, "SEND_ON_SIGN_IN": True})
    api.sign_up()
    sent = len(mail.outbox)
    body = {"email": "alice@example.com", "password": "wrong-password", "callbackURL": "/in"}
    api.post("/sign-in/email", body)
    assert len(mail.outbox) == sent
    answer = api.post("/sign-in/email", body | {"password": PASSWORD})
    assert answer.json()["code"] == "EMAIL_NOT_VERIFIED"
    assert letters()[-1].url.endswith("&callbackURL=%2Fin")
    assert not Session.objects.exists()


def test_deleting_deletes_everything(api: Api) -> None:
    user_id = api.sign_up().json()["user"]["id"]
    assert api.post("/delete-user", {"password": PASSWORD}).json()["success"] is True
    with connection.cursor() as cursor:
        for table in ("jazzauth_session", "jazzauth_account"):
            cursor.execute(f"SELECT COUNT(*) FROM {table}")
            assert cursor.fetchone() == (0,)
    assert not get_user_model().objects.filter(pk=user_id).exists()


def test_a_deletion_token_works_once_and_for_its_owner(api: Api, settings: Any) -> None:
    with_settings(settings, DELETE_USER={"ENABLED": True, "CONFIRM_BY_MAIL": True})
    api.sign_up()
    api.post("/delete-user", {})
    token = letters()[-1].token
    bob = Api()
    bob.sign_up("bob@example.com")
    assert bob.post("/delete-user", {"token": token}).json()["code"] == "INVALID_TOKEN"
    assert api.post("/delete-user", {"token": token}).json()["message"] == "User deleted"
    assert [user.email for user in get_user_model().objects.all()] == ["bob@example.com"]


def test_the_outbox(api: Api, settings: Any) -> None:
    assert api.get("/test-outbox").status_code == 404
    with_settings(settings, TEST_OUTBOX=True)
    api.sign_up()
    assert api.get("/test-outbox").status_code == 404
    settings.DEBUG = True
    api.post("/request-password-reset", {"email": "alice@example.com"})
    api.post("/send-verification-email", {"email": "alice@example.com"})
    first, second = api.get("/test-outbox").json()
    assert list(first) == ["to", "kind", "url", "token", "otp", "subject", "body"]
    assert (first["kind"], second["kind"]) == ("reset-password", "verify-email")
    assert first["token"] in first["url"]
    assert first["url"] in first["body"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM jazzauth_verification")
        assert "alice" not in repr(cursor.fetchall())


@pytest.mark.parametrize("token", ["x" * 10_000, "%00", "%FF%FE", "a%2Fb", "..", "é", "%ED%A0%80"])
def test_odd_tokens_are_no_tokens(api: Api, token: str) -> None:
    api.sign_up()
    answer = api.get(f"/reset-password/{token}?callbackURL=/reset")
    assert answer.status_code in (302, 404)
    answer = api.post(f"/reset-password?token={token}", {"newPassword": "another-horse-1"})
    assert answer.json()["code"] == "INVALID_TOKEN"
    answer = api.get(f"/delete-user/callback?token={token}")
    assert answer.json()["code"] in ("INVALID_TOKEN", "VALIDATION_ERROR")
    answer = api.get(f"/verify-email?token={token}")
    assert answer.json()["code"] in ("INVALID_TOKEN", "VALIDATION_ERROR")
    answer = api.post("/revoke-session", {"token": token})
    assert answer.json() == {"status": True}
