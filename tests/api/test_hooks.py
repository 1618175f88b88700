"""Hooks and signals around writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.dispatch import Signal

from django_jazzauth.api import hooks
from django_jazzauth.api.errors import ApiError
from django_jazzauth.api.hooks import Write, after_write, before_write
from django_jazzauth.conf import get_settings
from django_jazzauth.errors import ImproperSettings
from django_jazzauth.models import Account, Session, Verification

from .conftest import Api
from .transcripts import Replay, flow

heard: list[tuple[str, str]] = []
HERE = "tests.api.test_hooks"


def guard(data: dict[str, Any], write: Write) -> Any:
    """The hook of the recorded server."""
    if data["email"].endswith("@blocked.example"):
        raise ApiError(400, None, "Email domain not allowed")
    if data["email"].endswith("@silent.example"):
        return False
    return {"name": f"{data['name']} (hooked)"}


def note(instance: Any, write: Write) -> None:
    assert write.request is not None
    heard.append((f"{write.entity}.{write.verb}", type(instance).__name__))


def refuse(data: dict[str, Any], write: Write) -> bool:
    return False


def use(settings: Any, **hooks: Any) -> None:
    named = {name.replace("_", "."): value for name, value in hooks.items()}
    settings.JAZZAUTH = {**settings.JAZZAUTH, "HOOKS": named}


@pytest.fixture(autouse=True)
def _silence() -> None:
    heard.clear()


def test_recorded_exchanges(settings: Any) -> None:
    use(
        settings,
        user_create_before=f"{HERE}.guard",
        user_create_after=[f"{HERE}.note"],
        session_create_after=f"{HERE}.note",
    )
    replay = Replay(prefix="/hooks")
    for exchange in flow("hooks", "user.create"):
        replay.play(exchange)
    assert replay.differences == []
    assert replay.steps == 3
    assert [user.name for user in get_user_model().objects.all()] == ["Hooked (hooked)"]
    assert heard == [("user.create", "User"), ("session.create", "Session")]


def test_every_entity(api: Api, settings: Any) -> None:
    names = ("user_create", "user_update", "session_create", "account_create")
    names += ("verification_create",)
    use(settings, **{f"{name}_after": f"{HERE}.note" for name in names})
    api.sign_up()
    api.post("/update-user", {"name": "New"})
    api.post("/request-password-reset", {"email": "alice@example.com"})
    assert heard == [
        ("user.create", "User"),
        ("account.create", "Account"),
        ("session.create", "Session"),
        ("user.update", "User"),
        ("verification.create", "Verification"),
    ]


@pytest.mark.parametrize(
    ("hook", "status", "code"),
    [
        ("user_create_before", 400, "FAILED_TO_CREATE_USER"),
        ("account_create_before", 400, "FAILED_TO_CREATE_USER"),
        ("session_create_before", 401, "FAILED_TO_CREATE_SESSION"),
    ],
)
def test_refused_sign_ups(api: Api, settings: Any, hook: str, status: int, code: str) -> None:
    use(settings, **{hook: f"{HERE}.refuse"})
    answer = api.sign_up()
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not answer.cookies
    assert not Session.objects.exists()
    assert Account.objects.exists() == get_user_model().objects.exists()


def test_refused_changes(api: Api, settings: Any) -> None:
    api.sign_up()
    use(
        settings,
        user_update_before=f"{HERE}.refuse",
        verification_create_before=f"{HERE}.refuse",
    )
    assert api.post("/update-user", {"name": "x"}).json()["code"] == "FAILED_TO_UPDATE_USER"
    assert get_user_model().objects.get().name == "Alice"
    answers = [
        api.post("/request-password-reset", {"email": email})
        for email in ("alice@example.com", "ghost@example.com")
    ]
    assert answers[0].json()["code"] == "FAILED_TO_CREATE_VERIFICATION"
    # Refused or not, it is the same for everybody.
    assert answers[0].content == answers[1].content
    assert not Verification.objects.exists()


def test_passwords_are_not_shown(api: Api, settings: Any, connected: Any) -> None:
    shown: list[str] = []

    def look(sender: Any, data: dict[str, Any], write: Write, **kwargs: Any) -> None:
        shown.append(f"{write.entity}.{write.verb} {data}")

    connected(before_write, look)
    api.sign_up()
    body = {"currentPassword": "correct-horse-battery", "newPassword": "another-horse-battery"}
    use(settings, account_update_after=f"{HERE}.note")
    assert api.post("/change-password", body).status_code == 200
    assert heard == [("account.update", "Account")]
    assert not [text for text in shown if "horse" in text]
    use(settings, account_update_before=f"{HERE}.refuse")
    body = {"currentPassword": "another-horse-battery", "newPassword": "third-horse-battery"}
    assert api.post("/change-password", body).json()["code"] == "FAILED_TO_UPDATE_USER"
    user: Any = get_user_model().objects.get()
    assert user.check_password("another-horse-battery")


@pytest.fixture
def connected() -> Iterator[Any]:
    receivers: list[tuple[Signal, Any, Any]] = []

    def connect(signal: Signal, receiver: Any, sender: Any = None) -> None:
        signal.connect(receiver, sender=sender)
        receivers.append((signal, receiver, sender))

    yield connect
    for signal, receiver, sender in receivers:
        signal.disconnect(receiver, sender=sender)


def test_signals(api: Api, connected: Any) -> None:
    def rename(sender: Any, data: dict[str, Any], write: Write, **kwargs: Any) -> Any:
        return {"name": data["name"].upper()}

    def hear(sender: Any, instance: Any, write: Write, **kwargs: Any) -> None:
        heard.append((write.entity, sender.__name__))

    connected(before_write, rename, get_user_model())
    connected(after_write, hear)
    assert api.sign_up().json()["user"]["name"] == "ALICE"
    assert heard == [("user", "User"), ("account", "Account"), ("session", "Session")]


def test_mistyped_names(settings: Any) -> None:
    use(settings, user_created_before="x")
    with pytest.raises(ImproperSettings, match=r"user\.create\.before"):
        get_settings()


def test_saving_with_hooks_is_all_or_nothing() -> None:
    users: Any = get_user_model()._default_manager
    user = users.create_user("ana", "ana@example.org", name="Ana")
    told: list[str] = []

    def note(sender: Any, instance: Any, write: Any, **kwargs: Any) -> None:
        told.append(f"{write.entity}.{write.verb} {instance.name}")

    def fail() -> None:
        raise RuntimeError("disk full")

    after_write.connect(note)
    try:
        with pytest.raises(RuntimeError):
            hooks.save("user", user, {"name": "Eve"}, along=fail)
        assert told == []
        assert users.get().name == "Ana"
        hooks.save("user", users.get(), {"name": "Eve"}, along=lambda: told.append("along"))
        hooks.save("user", users.get(), {}, along=lambda: told.append("alone"))
    finally:
        after_write.disconnect(note)
    assert told == ["along", "user.update Eve", "alone"]
    assert users.get().name == "Eve"
