"""Django's own commands over our models."""

from __future__ import annotations

import datetime
import getpass
import io
from typing import Any

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from django_jazzauth.models import Session
from django_jazzauth.store import store

from .conftest import Terminal

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def quiet(name: str, *args: Any, **options: Any) -> str:
    out = io.StringIO()
    call_command(name, *args, stdout=out, stderr=out, **options)
    return out.getvalue()


def test_createsuperuser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    out = quiet("createsuperuser", interactive=False, username="root", email="Root@Example.org")
    assert "created successfully" in out
    root = get_user_model().objects.get(email__iexact="root@example.org")
    assert root.is_superuser
    assert root.is_staff
    assert authenticate(username="root", password=PASSWORD) == root
    assert [event.type for event in store.history(root)] == ["created"]


def test_createsuperuser_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["root", "not an address", "root@example.org"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    monkeypatch.setattr(getpass, "getpass", lambda *args, **kwargs: PASSWORD)
    out = quiet("createsuperuser", interactive=True, stdin=Terminal())
    assert "valid email address" in out
    assert authenticate(username="root@example.org", password=PASSWORD) is not None


def test_createsuperuser_refuses_a_taken_name(monkeypatch: pytest.MonkeyPatch, ana: Any) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    with pytest.raises(CommandError, match="already taken"):
        quiet("createsuperuser", interactive=False, username="ana", email="x@example.org")


def test_changepassword(monkeypatch: pytest.MonkeyPatch, ana: Any) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda *args, **kwargs: PASSWORD)
    assert "changed successfully" in quiet("changepassword", "ana")
    assert authenticate(username="ana", password=PASSWORD) == ana
    assert store.history(ana)[-1].type == "updated"
    with pytest.raises(CommandError, match="does not exist"):
        quiet("changepassword", "nobody")


def test_clearsessions(ana: Any) -> None:
    now = timezone.now()
    old = Session.objects.create(user=ana, expires_at=now - datetime.timedelta(days=1))
    live = Session.objects.create(user=ana, expires_at=now + datetime.timedelta(days=1))
    quiet("clearsessions")
    assert list(Session.objects.all()) == [live]
    assert store.history(Session, pk=old.pk)[-1].type == "deleted"
    assert store.verify().ok
