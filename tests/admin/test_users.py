"""Users in the admin: add, change, password, delete."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client

from django_jazzauth.models import Account, Session
from django_jazzauth.store import store

from .conftest import PASSWORD, told

pytestmark = pytest.mark.django_db

USERS = "/admin/django_jazzauth/user/"


def form_of(answer: Any) -> dict[str, Any]:
    """What a browser would send back if nothing were changed."""
    form = answer.context["adminform"].form
    data: dict[str, Any] = {}
    for name, field in form.fields.items():
        value = form.initial.get(name, field.initial)
        widget = field.widget
        if value is None or value is False:
            continue
        if hasattr(widget, "widgets"):
            for part, text in zip(("_0", "_1"), widget.decompress(value), strict=True):
                data[f"{name}{part}"] = text
        elif isinstance(value, list):
            data[name] = [getattr(one, "pk", one) for one in value]
        else:
            data[name] = value
    return data


def add(page: Client, **values: str) -> Any:
    data = {
        "username": "eva",
        "email": "Eva@Example.org",
        "name": "Eva Fox",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    return page.post(f"{USERS}add/", {**data, **values})


def test_a_user_is_added_with_actor_and_way(page: Client, root: Any) -> None:
    answer = add(page)
    eva = get_user_model().objects.get(username="eva")
    assert answer["Location"] == f"{USERS}{eva.pk}/change/"
    assert eva.email == "Eva@example.org"
    assert eva.name == "Eva Fox"
    assert eva.check_password(PASSWORD)
    (event,) = store.history(eva)
    assert event.actor == str(root.pk)
    assert event.cause["via"] == "admin"
    assert Client().login(username="eva@EXAMPLE.org", password=PASSWORD)


def test_a_user_without_password_is_added(page: Client) -> None:
    answer = add(page, usable_password="false", password1="", password2="")
    assert answer.status_code == 302
    assert not get_user_model().objects.get(username="eva").has_usable_password()


@pytest.mark.parametrize(
    ("values", "field", "text"),
    [
        ({"username": "ana"}, "username", "A user with that username already exists."),
        ({"email": "ANA@example.ORG"}, "email", "already exists"),
        ({"email": "nobody"}, "email", "valid email"),
        ({"password2": "other"}, "password2", "match"),
        ({"username": "a b"}, "username", "valid username"),
        ({"username": "x" * 151}, "username", "150"),
        ({"username": "ab\x00"}, "username", "Null characters"),
    ],
)
def test_a_form_says_what_is_wrong(
    page: Client, ana: Any, values: dict[str, str], field: str, text: str
) -> None:
    answer = add(page, **values)
    assert answer.status_code == 200
    errors = answer.context["adminform"].form.errors
    assert any(text in error for error in errors[field])
    assert get_user_model().objects.count() == 2


def test_adding_opens_no_other_head(page: Client, ana: Any, caplog: Any) -> None:
    add(page)
    add(page, username="ANA", email="")
    assert "opened" not in caplog.text


def test_every_field_is_changed(page: Client, ana: Any, root: Any) -> None:
    group = Group.objects.create(name="editors")
    permission = Permission.objects.get(codename="view_user")
    data = form_of(page.get(f"{USERS}{ana.pk}/change/"))
    data |= {
        "name": "Ana Fox",
        "first_name": "Ana",
        "last_name": "Fox",
        "email": "fox@example.org",
        "is_staff": "on",
        "email_verified": "on",
        "groups": [group.pk],
        "user_permissions": [permission.pk],
    }
    answer = page.post(f"{USERS}{ana.pk}/change/", data)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    changed = get_user_model().objects.get(pk=ana.pk)
    assert (changed.name, changed.email, changed.is_staff) == ("Ana Fox", "fox@example.org", True)
    assert changed.email_verified
    assert list(changed.groups.all()) == [group]
    assert changed.has_perm("django_jazzauth.view_user")
    assert changed.check_password(PASSWORD)
    assert {event.actor for event in store.history(changed)[1:]} == {str(root.pk)}
    assert store.verify().ok


def test_saving_unchanged_writes_nothing_about_names(page: Client, ana: Any) -> None:
    before = store.history(ana)[-1].state
    page.post(f"{USERS}{ana.pk}/change/", form_of(page.get(f"{USERS}{ana.pk}/change/")))
    after = store.history(ana)[-1].state
    assert before is not None and after is not None
    differing = {name for name in before if before[name] != after[name]}
    # the form has no microseconds
    assert differing <= {"updated_at", "date_joined", "last_login"}


def test_the_change_form_does_not_show_the_hash(page: Client, ana: Any) -> None:
    text = page.get(f"{USERS}{ana.pk}/change/").content.decode()
    assert ana.password not in text
    assert ana.password.rpartition("$")[2] not in text


def test_a_password_is_changed(page: Client, ana: Any) -> None:
    url = f"{USERS}{ana.pk}/password/"
    assert page.get(url).status_code == 200
    new = {"password1": "another long one", "password2": "another long one"}
    answer = page.post(url, {**new, "usable_password": "true"})
    assert answer["Location"] == f"{USERS}{ana.pk}/change/"
    changed = get_user_model().objects.get(pk=ana.pk)
    assert changed.check_password("another long one")
    assert store.history(changed)[-1].cause["via"] == "admin"


def test_a_password_is_taken_away(page: Client, ana: Any) -> None:
    page.post(f"{USERS}{ana.pk}/password/", {"usable_password": "false", "unset-password": "x"})
    assert not get_user_model().objects.get(pk=ana.pk).has_usable_password()


def test_ones_own_password_change_keeps_one_signed_in(page: Client, root: Any) -> None:
    new = {"password1": "another long one", "password2": "another long one"}
    page.post(f"{USERS}{root.pk}/password/", {**new, "usable_password": "true"})
    assert page.get("/admin/").status_code == 200


def test_a_user_is_deleted_with_all_that_belongs_to_them(page: Client, ana: Any, root: Any) -> None:
    Client().force_login(ana)
    session = Session.objects.get(user=ana)
    account = Account.objects.create(user=ana, provider_id="github", account_id="4711")
    url = f"{USERS}{ana.pk}/delete/"
    confirm = page.get(url)
    assert f"session {session.pk}" in confirm.content.decode()
    assert "4711" not in confirm.content.decode()
    assert page.post(url, {"post": "yes"}).status_code == 302
    assert not get_user_model().objects.filter(pk=ana.pk).exists()
    assert not Session.objects.filter(pk=session.pk).exists()
    assert not Account.objects.filter(pk=account.pk).exists()
    for model, pk in ((type(ana), ana.pk), (Session, session.pk), (Account, account.pk)):
        last = store.history(model, pk=pk)[-1]
        assert (last.type, last.actor) == ("deleted", str(root.pk))
    assert store.verify().ok


def test_users_are_deleted_by_the_action(page: Client, ana: Any) -> None:
    bob = get_user_model().objects.create_user("bob")
    data = {"action": "delete_selected", "_selected_action": [str(ana.pk), str(bob.pk)]}
    assert "2" in page.post(USERS, data).content.decode()
    answer = page.post(USERS, {**data, "post": "yes"}, follow=True)
    assert "Successfully deleted 2 users" in told(answer)
    assert get_user_model().objects.count() == 1
    assert store.history(type(ana), pk=ana.pk)[-1].type == "deleted"


def test_djangos_own_log_is_kept_but_names_nobody(page: Client, root: Any) -> None:
    add(page)
    eva = get_user_model().objects.get(username="eva")
    data = form_of(page.get(f"{USERS}{eva.pk}/change/"))
    page.post(f"{USERS}{eva.pk}/change/", {**data, "name": "Other"})
    page.post(f"{USERS}{eva.pk}/delete/", {"post": "yes"})
    entries = LogEntry.objects.order_by("id")
    assert [entry.action_flag for entry in entries] == [ADDITION, CHANGE, DELETION]
    assert {entry.user_id for entry in entries} == {root.pk}
    assert {entry.object_id for entry in entries} == {str(eva.pk)}
    assert {entry.object_repr for entry in entries} == {f"user {eva.pk}"}
    assert "Name" in entries[1].get_change_message()
    assert "eva" not in repr(list(entries.values()))
    assert page.get("/admin/").status_code == 200


def test_somebody_without_the_permission_is_refused(root: Any, ana: Any, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.admin.urls"
    type(ana).objects.filter(pk=ana.pk).update(is_staff=True)
    client = Client()
    client.login(username="ana", password=PASSWORD)
    assert client.get("/admin/").status_code == 200
    for url in (USERS, f"{USERS}{root.pk}/change/", f"{USERS}{root.pk}/history/"):
        assert client.get(url).status_code == 403
    assert client.post(f"{USERS}{root.pk}/delete/", {"post": "yes"}).status_code == 403


def test_who_may_only_look_sees_no_hash(root: Any, ana: Any, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.admin.urls"
    type(ana).objects.filter(pk=ana.pk).update(is_staff=True)
    ana.user_permissions.add(Permission.objects.get(codename="view_user"))
    client = Client()
    client.login(username="ana", password=PASSWORD)
    text = client.get(f"{USERS}{root.pk}/change/").content.decode()
    assert "root@example.org" in text
    assert root.password not in text
    assert not re.search(r'name="_save"', text)
