"""Requests that nobody makes by accident: refused in the wire's own form, never a fault of ours."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import mail

from django_jazzauth.api import mails

from .conftest import Api
from .mailbox import letters

CACHE = "better-auth.session_data"


@pytest.mark.parametrize("part", ["01", "00", "٣", "1٣", "007"])
def test_parts_of_the_cache_cookie_that_we_never_wrote(api: Api, settings: Any, part: str) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SESSION": {"COOKIE_CACHE": {"ENABLED": True}}}
    part = part.encode().decode("latin-1")  # as a server hands bytes over
    answer = api.get("/get-session", cookie=f"{CACHE}.{part}=x; {CACHE}.1=y")
    assert (answer.status_code, answer.json()) == (200, None)
    dead = api.get("/get-session", cookie=f"{CACHE}.{part}=x")
    assert (dead.status_code, dead.json()) == (200, None)


def test_a_callback_address_in_other_letters(api: Api) -> None:
    """It stands in a header, too, where only ASCII can."""
    api.sign_up()
    body = {"email": "alice@example.com", "password": "correct-horse-battery"}
    url = "http://localhost:3000/Grüße/日本?q=ü"
    answer = api.post("/sign-in/email", {**body, "callbackURL": url})
    assert answer.json()["url"] == url
    assert answer["Location"] == (
        "http://localhost:3000/Gr%C3%BC%C3%9Fe/%E6%97%A5%E6%9C%AC?q=%C3%BC"
    )


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/request-password-reset", {}),
        ("/send-verification-email", {}),
        ("/sign-up/email", {"name": "Alice", "password": "correct-horse-battery"}),
    ],
)
def test_mails_to_nobody_are_written_but_not_sent(
    settings: Any, monkeypatch: pytest.MonkeyPatch, path: str, more: dict[str, str]
) -> None:
    """So that the time of the answer does not tell whether there is somebody."""
    verification = {"REQUIRED": True}
    settings.JAZZAUTH = {**settings.JAZZAUTH, "EMAIL_VERIFICATION": verification}
    written: list[str] = []
    write = mails.render_to_string
    monkeypatch.setattr(
        mails, "render_to_string", lambda name, values: written.append(name) or write(name, values)
    )
    known, unknown = "alice@example.com", "nobody@example.com"
    Api().sign_up(email=known)
    seen = []
    for email in (known, unknown):
        written.clear()
        sent = len(mail.outbox)
        assert Api().post(path, {"email": email, **more}).status_code == 200
        seen.append((list(written), len(mail.outbox) - sent))
    assert seen[0][0] == seen[1][0] != []
    # A sign-up writes to whoever is new, the others to whoever is known.
    assert [count for _names, count in seen] == ([0, 1] if "sign-up" in path else [1, 0])
    assert [message.to for message in mail.outbox[1:]] == [[unknown if "up" in path else known]]


def test_a_change_of_address_is_about_one_account(api: Api) -> None:
    """Who gave an account up cannot change the one that its address opens later."""
    api.sign_up(email="victim@example.com")
    api.post("/change-email", {"newEmail": "attacker@example.com"})
    kept = letters("attacker@example.com")[-1].token
    api.post("/delete-user", {"password": "correct-horse-battery"})
    victim = Api()
    victim.sign_up(email="victim@example.com", name="Victim")
    attacker = Api()
    answer = attacker.get(f"/verify-email?token={kept}")
    assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_TOKEN")
    assert attacker.get("/get-session").json() is None
    assert victim.get("/get-session").json()["user"]["email"] == "victim@example.com"


def test_a_user_who_is_deleted_while_they_are_changed(api: Api, settings: Any) -> None:
    api.sign_up()
    settings.JAZZAUTH = {**settings.JAZZAUTH, "HOOKS": {"user.update.before": f"{__name__}.gone"}}
    answer = api.post("/update-user", {"name": "Bob"})
    assert (answer.status_code, answer.json()["code"]) == (400, "FAILED_TO_UPDATE_USER")


def gone(data: dict[str, Any], write: Any) -> None:
    """A hook, at whose moment another request deletes the user."""
    get_user_model().objects.get(pk=write.instance.pk).delete()
