"""Broken seals, races and refusals are messages, never server errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError
from django.test import Client

from django_jazzauth.admin import UserAdmin
from django_jazzauth.errors import ValueNotStorable
from django_jazzauth.models import Session
from tests.testapp.models import Ward

from .conftest import PASSWORD, told, usernames

pytestmark = pytest.mark.django_db

USERS = "/admin/django_jazzauth/user/"
Overwrite = Callable[..., None]


def test_a_broken_row_is_left_out_of_the_list_and_named(
    page: Client, ana: Any, overwrite: Overwrite
) -> None:
    bob = get_user_model().objects.create_user("bob")
    overwrite(ana, is_superuser=True)
    answer = page.get(USERS)
    assert answer.status_code == 200
    assert usernames(answer) == [bob.username, "root"]
    assert f"user/{ana.pk}" in told(answer)
    assert "is_superuser" in told(answer)
    assert "jazzauth verify" in told(answer)
    assert "ana" not in told(answer).replace("manage", "")


def test_many_broken_rows_are_counted(page: Client, overwrite: Overwrite) -> None:
    model = get_user_model()
    users = model.objects.bulk_create(model(username=f"u{n}") for n in range(9))
    for user in users:
        overwrite(user, is_staff=True)
    answer = page.get(USERS)
    assert usernames(answer) == ["root"]
    assert "… 4" in told(answer)


@pytest.mark.parametrize("query", [{"q": "ana"}, {"q": "scan: an"}, {"is_staff__exact": "1"}])
def test_a_search_survives_a_broken_row(
    page: Client, ana: Any, overwrite: Overwrite, query: dict[str, str]
) -> None:
    overwrite(ana, is_staff=True)
    answer = page.get(USERS, query)
    assert answer.status_code == 200
    assert "ana" not in usernames(answer)


@pytest.mark.parametrize("view", ["change/", "history/", "delete/", "password/"])
@pytest.mark.parametrize("damage", [{"is_staff": True}, {"head": b"\x01junk"}])
def test_the_page_of_a_broken_row_says_so(
    page: Client, ana: Any, overwrite: Overwrite, view: str, damage: dict[str, Any]
) -> None:
    overwrite(ana, **damage)
    for answer in (
        page.get(f"{USERS}{ana.pk}/{view}", follow=True),
        page.post(f"{USERS}{ana.pk}/{view}", {"post": "yes"}, follow=True),
    ):
        assert answer.status_code == 200
        assert answer.redirect_chain[-1][0] == USERS
        assert f"user/{ana.pk}" in told(answer)
    assert get_user_model().objects.filter(pk=ana.pk).count() == 1


def test_a_broken_row_that_a_list_joins_does_not_break_it(
    page: Client, ana: Any, overwrite: Overwrite
) -> None:
    Client().force_login(ana)
    overwrite(ana, is_staff=True)
    answer = page.get("/admin/django_jazzauth/session/")
    assert answer.status_code == 200
    assert f"user/{ana.pk}" in told(answer)
    assert len(answer.context["cl"].result_list) == Session.objects.count() - 1


def test_autocompletion_survives_a_broken_row(page: Client, overwrite: Overwrite) -> None:
    broken, sound = Ward.objects.create(name="North"), Ward.objects.create(name="South")
    overwrite(broken, beds=99)
    answer = page.get(
        "/admin/autocomplete/",
        {"app_label": "testapp", "model_name": "patient", "field_name": "ward", "term": ""},
    )
    assert [one["text"] for one in answer.json()["results"]] == [str(sound)]


def test_an_action_on_a_broken_row_is_refused(page: Client, ana: Any, overwrite: Overwrite) -> None:
    overwrite(ana, is_staff=True)
    data = {"action": "delete_selected", "_selected_action": [str(ana.pk)], "post": "yes"}
    answer = page.post(USERS, data, follow=True)
    assert answer.status_code == 200
    assert f"user/{ana.pk}" in told(answer)


def test_a_lost_race_is_a_message(page: Client, ana: Any, monkeypatch: Any) -> None:
    def save_model(*args: Any) -> None:
        raise IntegrityError("UNIQUE constraint failed")

    monkeypatch.setattr(UserAdmin, "save_model", save_model)
    data = {
        "username": "eva",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    answer = page.post(f"{USERS}add/", data, follow=True)
    assert answer.status_code == 200
    assert "Nothing was saved" in told(answer)


def test_what_cannot_be_stored_is_a_message(page: Client, settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "MAX_STATE_BYTES": 4096}
    data = {
        "record_no": "R-1",
        "visits": "0",
        "name": "x",
        "extra": "null",
        "notes": "n" * 5000,
        "letters-TOTAL_FORMS": "0",
        "letters-INITIAL_FORMS": "0",
    }
    answer = page.post("/admin/testapp/patient/add/", data, follow=True)
    assert answer.status_code == 200
    assert ValueNotStorable.code in told(answer)
