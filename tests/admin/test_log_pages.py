"""Revealing, what was deleted, restoring, shredding; the pages about keys and integrity."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.test import Client

from django_jazzauth.admin import shredding
from django_jazzauth.keys.index_rotation import announce
from django_jazzauth.models import Account, Session
from django_jazzauth.permissions import may
from django_jazzauth.store import deleted, store
from django_jazzauth.store.checkpoints import take
from django_jazzauth.store.registry import projector_of
from tests.testapp.models import Ward

from .conftest import PASSWORD, told

pytestmark = pytest.mark.django_db

USERS = "/admin/django_jazzauth/user/"
KEYS = "/admin/django_jazzauth/epoch/"
INTEGRITY = "/admin/django_jazzauth/checkpoint/"


@pytest.fixture
def clerk(page: Client) -> tuple[Client, Any]:
    """Somebody who may look at users, and nothing more."""
    user = get_user_model().objects.create_user("clerk", "c@example.org", PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    client = Client()
    client.force_login(user)
    return client, user


def grant(user: Any, codename: str) -> None:
    user.user_permissions.add(Permission.objects.get(codename=codename))


def test_revealing_is_an_event_of_the_object(page: Client, ana: Any, root: Any) -> None:
    url = f"{USERS}{ana.pk}/history/"
    before = page.get(url).content.decode().partition("jazzauth-timeline")[2]
    assert "Ana Meier" not in before
    assert "••••••" in before
    assert len(store.history(ana)) == 1
    answer = page.post(url, {"reveal": "1"}, REMOTE_ADDR="203.0.113.9")
    assert "Ana Meier" in answer.content.decode()
    last = store.history(ana)[-1]
    assert (last.type, last.actor, last.cause["revealed"]) == ("revealed", str(root.pk), "history")
    assert (last.cause["auth_mode"], last.cause["ip_address"]) == ("admin", "203.0.113.9")
    assert "203.0.113.9" in answer.content.decode()
    assert "203.0.113.9" not in page.get(url).content.decode()
    assert store.verify().ok
    assert get_user_model().objects.get(pk=ana.pk).name == "Ana Meier"


def test_without_the_permission_nothing_is_revealed(clerk: Any, ana: Any) -> None:
    client, user = clerk
    url = f"{USERS}{ana.pk}/history/"
    assert "Reveal sealed values" not in client.get(url).content.decode()
    assert client.post(url, {"reveal": "1"}).status_code == 403
    assert len(store.history(ana)) == 1
    grant(user, "reveal_user")
    assert "Ana Meier" in client.post(url, {"reveal": "1"}).content.decode()


def test_what_was_deleted_is_listed_and_comes_back(page: Client, ana: Any) -> None:
    Account.objects.create(user=ana, provider_id="google", account_id="g-1")
    pk = ana.pk
    page.post(f"{USERS}{pk}/delete/", {"post": "yes"})
    assert not get_user_model().objects.filter(pk=pk).exists()
    assert f"{USERS}deleted/" in page.get(USERS).content.decode()
    text = page.get(f"{USERS}deleted/").content.decode()
    assert f"user/{pk}" in text
    assert "(admin)" in text
    assert "Ana" not in text
    assert "example.org" not in text
    restore = f"{USERS}{pk}/restore/"
    asked = page.get(restore)
    assert "Ana Meier" not in asked.content.decode()
    assert len(asked.context["timeline"]) == 2
    answer = page.post(restore, follow=True)
    assert f"user/{pk} is back. 1 object that was deleted along with it" in told(answer)
    assert Account.objects.get(user_id=pk).provider_id == "google"
    assert f"user/{pk}" not in page.get(f"{USERS}deleted/").content.decode()
    assert store.verify().ok


def test_a_refused_restore_is_a_message(page: Client, ana: Any) -> None:
    pk = ana.pk
    ana.delete()
    get_user_model().objects.create_user("ana", "other@example.org", PASSWORD)
    answer = page.post(f"{USERS}{pk}/restore/", follow=True)
    assert "[RESTORE_REFUSED]" in told(answer)
    for odd in ("x", "0b7c2c1e-0000-4000-8000-000000000000"):
        assert page.get(f"{USERS}{odd}/restore/", follow=True).status_code in (200, 404)
        assert page.post(f"{USERS}{odd}/restore/", follow=True).status_code in (200, 404)


def test_who_may_restore(clerk: Any, ana: Any) -> None:
    client, user = clerk
    pk = ana.pk
    ana.delete()
    for url in (f"{USERS}deleted/", f"{USERS}{pk}/restore/"):
        assert client.get(url).status_code == 403
    assert client.post(f"{USERS}{pk}/restore/").status_code == 403
    assert "deleted/" not in client.get(USERS).content.decode()
    grant(user, "restore_user")
    assert client.get(f"{USERS}deleted/").status_code == 200
    assert client.post(f"{USERS}{pk}/restore/").status_code == 302
    assert get_user_model().objects.filter(pk=pk).exists()


def test_sessions_are_not_offered(page: Client) -> None:
    assert page.get("/admin/django_jazzauth/session/deleted/").status_code == 403
    assert not Session.sealed_restorable


def test_the_list_goes_on_where_it_stopped(
    page: Client, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    wards = [Ward.objects.create(name=f"W{number}") for number in range(7)]
    streams = [f"ward/{ward.pk}" for ward in wards]
    for ward in wards:
        ward.delete()
    monkeypatch.setattr(deleted, "WINDOW", 3)
    monkeypatch.setattr(deleted, "MOST_WINDOWS", 2)
    found: list[str] = []
    before: int | None = None
    for _ in range(100):
        with django_assert_max_num_queries(8):
            part = deleted.deleted_entities(
                connection.alias, projector_of(Ward), before=before, limit=2
            )
        found += [gone.stream for gone in part.gone]
        before = part.before
        if before is None:
            break
    assert found == streams[::-1]
    for odd in ("x", "-1", "9" * 30, "²"):
        assert page.get(f"{USERS}deleted/?before={odd}").status_code == 200


def test_shredding_asks_for_the_address(page: Client, ana: Any) -> None:
    url = f"{USERS}{ana.pk}/shred/"
    assert url in page.get(f"{USERS}{ana.pk}/history/").content.decode()
    assert "ana@example.org" in page.get(url).content.decode().lower()
    wrong = page.post(url, {"confirmation": "bo@example.org"})
    assert "Nothing was changed" in wrong.content.decode()
    assert get_user_model().objects.filter(pk=ana.pk).exists()
    answer = page.post(url, {"confirmation": " ANA@example.org "}, follow=True)
    assert "was shredded" in told(answer)
    assert not get_user_model().objects.filter(pk=ana.pk).exists()
    assert page.get(url, follow=True).status_code == 200
    refused = page.post(f"{USERS}{ana.pk}/restore/", follow=True)
    assert "[KEY_DESTROYED]" in told(refused)


def test_several_are_shredded_from_the_list(page: Client, ana: Any) -> None:
    people = [
        get_user_model().objects.create_user(f"p{n}", f"p{n}@example.org", "pw") for n in range(3)
    ]
    chosen = {"action": "shred_selected", "_selected_action": [str(p.pk) for p in people[:2]]}
    assert "shred_selected" in page.get(USERS).content.decode()
    asked = page.post(USERS, chosen).content.decode().lower()
    assert "p0@example.org" in asked and "p1@example.org" in asked
    assert "p2@example.org" not in asked and "shred 2" in asked
    wrong = page.post(USERS, {**chosen, "confirmation": "shred 3"})
    assert "Nothing was changed" in wrong.content.decode()
    assert get_user_model().objects.filter(pk__in=[p.pk for p in people]).count() == 3
    answer = page.post(USERS, {**chosen, "confirmation": " Shred 2 "}, follow=True)
    assert "2 were shredded" in told(answer)
    left = get_user_model().objects.filter(pk__in=[p.pk for p in people])
    assert [each.pk for each in left] == [people[2].pk]
    assert store.history(get_user_model(), pk=people[0].pk)[-1].type == "shredded"


def test_not_too_many_are_shredded_at_once(
    page: Client, ana: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shredding, "MOST_AT_ONCE", 0)
    chosen = {"action": "shred_selected", "_selected_action": [str(ana.pk)]}
    answer = page.post(USERS, {**chosen, "confirmation": "shred 1"}, follow=True)
    assert "at most 0" in told(answer)
    assert get_user_model().objects.filter(pk=ana.pk).exists()


def test_who_may_shred(clerk: Any, ana: Any) -> None:
    client, user = clerk
    url = f"{USERS}{ana.pk}/shred/"
    assert client.post(url, {"confirmation": ana.email}).status_code == 403
    assert "shred/" not in client.get(f"{USERS}{ana.pk}/history/").content.decode()
    chosen = {"action": "shred_selected", "_selected_action": [str(ana.pk)]}
    client.post(USERS, {**chosen, "confirmation": "shred 1"})
    assert get_user_model().objects.filter(pk=ana.pk).exists()
    grant(user, "shred_user")
    assert client.get(url).status_code == 200


def test_what_belongs_to_a_person_is_not_shredded_by_itself(page: Client, ana: Any) -> None:
    account = Account.objects.create(user=ana, provider_id="google", account_id="g-1")
    assert page.get(f"/admin/django_jazzauth/account/{account.pk}/shred/").status_code == 403


def test_the_permissions_are_made_once(root: Any, ana: Any) -> None:
    call_command("migrate", verbosity=0)
    names = ["reveal_user", "restore_user", "shred_user"]
    assert Permission.objects.filter(codename__in=names).count() == 3
    assert may(root, "shred", get_user_model())
    assert not may(ana, "shred", get_user_model())


def test_the_keys_page(page: Client, ana: Any) -> None:
    text = page.get(KEYS).content.decode()
    assert "this process" in text
    assert "in use" in text
    counted = page.get(f"{KEYS}?count")
    assert counted.context["covered"] == counted.context["total"] > 0
    assert page.get(f"{KEYS}add/").status_code == 403
    assert "re-indexed" not in text
    announce("default", [("user", "email")])
    assert "Being re-indexed: user.email (0 %)" in page.get(KEYS).content.decode()


def test_the_integrity_page(page: Client, ana: Any) -> None:
    assert "None yet" in page.get(INTEGRITY).content.decode()
    take()
    assert "Nothing is wrong" in page.post(INTEGRITY).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jazzauth_user SET is_staff = %s WHERE username IS NOT NULL", [True])
    text = page.post(INTEGRITY).content.decode()
    assert "COLUMN_DIFFERS" in text
    assert f"user/{ana.pk}" in text
    again = page.get(INTEGRITY).content.decode()
    assert "COLUMN_DIFFERS: 1" in again
    assert f"user/{ana.pk}" not in again


def test_a_long_log_is_for_the_command(
    page: Client, ana: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_jazzauth.admin.overview.MOST_AT_ONCE", 0)
    assert "Verify now" not in page.get(INTEGRITY).content.decode()
    assert "too long" in told(page.post(INTEGRITY, follow=True))


def test_the_pages_are_for_those_who_may_view(clerk: Any) -> None:
    client, user = clerk
    for url, codename in ((KEYS, "view_epoch"), (INTEGRITY, "view_checkpoint")):
        assert client.get(url).status_code == 403
        grant(user, codename)
        assert client.get(url).status_code == 200
