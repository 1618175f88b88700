"""The history page: what the log says, above what Django's admin noted."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from django_jazzauth.admin import history
from django_jazzauth.models import Session
from django_jazzauth.store import acting
from tests.testapp.models import Patient

from .conftest import PASSWORD, told

pytestmark = pytest.mark.django_db

USERS = "/admin/django_jazzauth/user/"


def test_who_when_and_what(page: Client, ana: Any, root: Any) -> None:
    group = Group.objects.create(name="editors")
    with acting(actor=str(root.pk), via="api"):
        ana.name = "Ana Fox"
        ana.set_password("another")
        ana.save()
        ana.groups.add(group)
    answer = page.get(f"{USERS}{ana.pk}/history/")
    entries = answer.context["timeline"]
    assert [entry.version for entry in entries] == [3, 2, 1]
    assert entries[0].changes[0].label == "groups"
    assert (entries[0].changes[0].old, entries[0].changes[0].new) == ("—", "editors")
    changed = {change.name: change for change in entries[1].changes}
    assert set(changed) == {"name", "password", "updated_at"}
    assert (changed["name"].old, changed["name"].new) == ("Ana Meier", "Ana Fox")
    assert changed["password"].hidden
    assert (changed["password"].old, changed["password"].new) == ("", "")
    assert (entries[1].who, entries[1].via) == ("root", "api")
    for hidden in ("Ana Meier", "Ana Fox"):
        assert hidden not in answer.content.decode().partition("jazzauth-timeline")[2]
    text = page.post(f"{USERS}{ana.pk}/history/", {"reveal": "1"}).content.decode()
    for shown in ("Ana Meier", "Ana Fox", "editors", "changed; never shown", "(api)"):
        assert shown in text


def test_no_password_hash_and_no_token_on_any_page(page: Client, ana: Any) -> None:
    other = Client()
    other.login(username="ana", password=PASSWORD)
    session = Session.objects.get(user=ana)
    session.save()
    pages = [
        f"{USERS}{ana.pk}/history/",
        "/admin/django_jazzauth/session/",
        f"/admin/django_jazzauth/session/{session.pk}/change/",
        f"/admin/django_jazzauth/session/{session.pk}/history/",
        f"/admin/django_jazzauth/session/{session.pk}/delete/",
        f"{USERS}{ana.pk}/delete/",
    ]
    for url in pages:
        answer = page.get(url)
        assert answer.status_code == 200, url
        text = answer.content.decode()
        for secret in (ana.password, session.token, session.data):
            assert secret not in text, url
            assert secret[:20] not in text, url


def test_both_logs_are_on_the_page(page: Client, ana: Any) -> None:
    new = {"password1": "another long one", "password2": "another long one"}
    page.post(f"{USERS}{ana.pk}/password/", {**new, "usable_password": "true"})
    text = page.get(f"{USERS}{ana.pk}/history/").content.decode()
    assert "What the log says" in text
    assert "What the admin noted" in text
    assert "Changed password" in text


def test_markup_in_values_is_escaped(page: Client, ana: Any) -> None:
    ana.name = "<script>alert(1)</script>"
    ana.save()
    text = page.post(f"{USERS}{ana.pk}/history/", {"reveal": "1"}).content.decode()
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_long_history_shows_its_newest_part(
    page: Client, ana: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        ana.name = f"Name {number}"
        ana.save()
    monkeypatch.setattr(history, "SHOWN_EVENTS", 2)
    answer = page.get(f"{USERS}{ana.pk}/history/")
    assert [entry.version for entry in answer.context["timeline"]] == [6, 5]
    assert "4 older events" in answer.content.decode()
    assert f"manage.py jazzauth history user/{ana.pk}" in answer.content.decode()


def test_a_broken_event_is_told_and_the_page_stands(page: Client, ana: Any) -> None:
    ana.name = "Other"
    ana.save()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jazzauth_event SET recorded_at = recorded_at - 1 "
            "WHERE stream = %s AND version = 1",
            [f"user/{ana.pk}"],
        )
    answer = page.get(f"{USERS}{ana.pk}/history/")
    assert answer.status_code == 200
    assert f"user/{ana.pk}" in answer.content.decode()
    assert "jazzauth verify" in answer.content.decode()


def test_an_actor_who_is_gone_is_shown_by_id(page: Client, ana: Any) -> None:
    with acting(actor="0b7c2c1e-0000-4000-8000-000000000000", via="admin"):
        ana.save()
    with acting(actor="not a key"):
        ana.name = "B"
        ana.save()
    text = page.get(f"{USERS}{ana.pk}/history/").content.decode()
    assert "0b7c2c1e-0000-4000-8000-000000000000" in text
    assert "not a key" in text


def test_a_third_party_model_has_it_too(page: Client, root: Any) -> None:
    patient = Patient.objects.create(record_no="R-1", name="Meier", notes="private", owner=root)
    patient.notes = "more private"
    patient.save()
    answer = page.get(f"/admin/testapp/patient/{patient.pk}/history/")
    (change,) = answer.context["timeline"][0].changes
    assert (change.name, change.hidden) == ("notes", True)
    assert "private" not in answer.content.decode()


def test_an_entity_that_does_not_exist_is_told(page: Client) -> None:
    url = f"{USERS}0b7c2c1e-0000-4000-8000-000000000000/history/"
    answer = page.get(url, follow=True)
    assert answer.status_code == 200
    assert "doesn’t exist" in told(answer)
