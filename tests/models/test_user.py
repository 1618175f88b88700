"""The user model: Django's habits and Better Auth's fields."""

from __future__ import annotations

import uuid
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import BaseUserCreationForm, SetPasswordForm
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from django_jazzauth.models import Account
from django_jazzauth.models.user_manager import (
    UserManager,
    internal_username,
    is_internal_username,
)
from django_jazzauth.sealed import EventStoreQuerySet

User: Any = get_user_model()


def nobody(*args: Any, **kwargs: Any) -> Any:
    raise User.DoesNotExist


def make(email: str = "alice@example.com", **fields: Any) -> Any:
    return User.objects.sign_up(
        email=email, **{"name": "Alice", "password": "correct-horse", **fields}
    )


def test_sign_up_makes_user_and_credential_account() -> None:
    user = make("Alice@Example.COM")
    stored = User.objects.get(pk=user.pk)
    assert isinstance(stored.pk, uuid.UUID)
    assert stored.email == "alice@example.com"
    assert stored.date_joined == stored.updated_at
    assert stored.check_password("correct-horse")
    assert not stored.email_verified
    assert stored.image is None
    account = stored.accounts.get()
    assert (account.provider_id, account.account_id) == ("credential", str(user.pk))
    assert not hasattr(account, "password")


def test_sign_up_without_a_password_makes_no_credential() -> None:
    user = make(password=None)
    assert not user.has_usable_password()
    assert not user.accounts.exists()


def test_sign_up_takes_a_proven_id() -> None:
    proven = uuid.uuid5(uuid.NAMESPACE_DNS, "somebody")
    assert make(user_id=proven).pk == proven
    with pytest.raises(IntegrityError), transaction.atomic():
        make("other@example.com", user_id=proven)
    assert User.objects.count() == Account.objects.count() == 1


def test_internal_usernames_are_random_and_hidden() -> None:
    user = make()
    assert is_internal_username(user.username)
    assert user.public_username is None
    assert str(user.pk) not in user.username
    user.full_clean()
    chosen = make("bob@example.com", username="bob")
    assert chosen.public_username == "bob"
    assert len({internal_username() for _ in range(100)}) == 100


@pytest.mark.parametrize("second", ["alice@example.com", "ALICE@EXAMPLE.COM", "alice@exAmple.com"])
def test_an_address_is_taken_in_whatever_case(second: str) -> None:
    User.objects.create_user("a", "alice@example.com")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("b", second)
    with pytest.raises(ValidationError) as refused:
        User(username="b", email=second, password="x").full_clean()
    assert set(refused.value.message_dict) == {"email"}


def test_users_without_an_address_do_not_collide() -> None:
    first = User.objects.create_user("a")
    second = User.objects.create_user("b", "")
    assert User.objects.filter(email="").count() == 2
    for user in (first, second):
        user.full_clean(exclude=["password"])


def test_an_address_can_be_kept_changed_and_given_up() -> None:
    user = make()
    user.full_clean()
    user.email = "new@example.com"
    user.save()
    make("alice@example.com")
    user.email = ""
    user.save()
    make("new@example.com")


def test_with_email() -> None:
    user = make()
    assert User.objects.with_email("ALICE@example.com") == user
    assert User.objects.with_email("nobody@example.com") is None
    assert User.objects.with_email("") is None


class ActiveOnly(UserManager):
    """A project's manager that shows fewer rows."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(is_active=True)


class WithoutEve(UserManager):
    """A project's manager whose ``get()`` is its own."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        found = super().get(*args, **kwargs)
        if found.name == "Eve":
            raise User.DoesNotExist
        return found


@pytest.mark.parametrize(
    "manager",
    [
        ActiveOnly(),
        WithoutEve(),
        UserManager.from_queryset(type("Shy", (EventStoreQuerySet,), {"get": nobody}))(),
    ],
)
def test_with_email_asks_the_manager_of_a_project(
    manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("eve@example.com", name="Eve", is_active=False)
    assert User.objects.with_email("eve@example.com") is not None
    manager.model = User
    monkeypatch.setattr(User._meta, "default_manager", manager)
    assert User._default_manager.with_email("eve@example.com") is None


def test_with_email_builds_no_query(monkeypatch: pytest.MonkeyPatch) -> None:
    make()
    monkeypatch.setattr("django.db.models.query.QuerySet.__init__", nobody)
    assert User.objects.with_email("alice@example.com").name == "Alice"


def test_updated_at_follows_what_the_api_shows() -> None:
    user = make()
    before = user.updated_at
    user.last_login = timezone.now()
    user.save(update_fields=["last_login"])
    user.set_password("another-horse")
    user.save(update_fields=["password"])
    assert User.objects.get().updated_at == before
    user.name = "Alice B"
    user.save(update_fields=["name"])
    after = User.objects.get().updated_at
    assert before < after < timezone.now() + timedelta(seconds=1)
    user.save()
    assert User.objects.get().updated_at > after


def test_names() -> None:
    user = make()
    assert (user.get_full_name(), user.get_short_name()) == ("Alice", "Alice")
    user.first_name, user.last_name = "Al", "Ice"
    assert (user.get_full_name(), user.get_short_name()) == ("Al Ice", "Al")


def test_stock_manager_and_commands() -> None:
    call_command(
        "createsuperuser",
        "--noinput",
        username="root",
        email="root@example.com",
        stdout=StringIO(),
    )
    root = User.objects.get_by_natural_key("root")
    assert root.is_superuser and root.is_staff and not root.has_usable_password()
    assert root.email == "root@example.com"


def test_stock_forms() -> None:
    class CreationForm(BaseUserCreationForm):  # type: ignore[type-arg]
        class Meta(BaseUserCreationForm.Meta):
            model = User

    form = CreationForm({"username": "eve", "password1": "s3cret-wall", "password2": "s3cret-wall"})
    assert form.is_valid(), form.errors
    user = form.save()
    assert User.objects.get(username="eve").check_password("s3cret-wall")
    again = CreationForm(
        {"username": "eve", "password1": "s3cret-wall", "password2": "s3cret-wall"}
    )
    assert set(again.errors) == {"username"}
    change = SetPasswordForm(user, {"new_password1": "n3w-wall-x", "new_password2": "n3w-wall-x"})
    assert change.is_valid(), change.errors
    change.save()
    assert User.objects.get(username="eve").check_password("n3w-wall-x")


def test_groups_and_permissions() -> None:
    user = make()
    permission = Permission.objects.get(codename="add_user")
    group = Group.objects.create(name="editors")
    group.permissions.add(permission)
    user.groups.add(group)
    assert User.objects.get().has_perm("django_jazzauth.add_user")
    assert list(group.user_set.all()) == [user]


def test_a_group_given_by_sql_gives_nothing() -> None:
    user = make()
    group = Group.objects.create(name="editors")
    group.permissions.add(Permission.objects.get(codename="add_user"))
    permission = Permission.objects.get(codename="delete_user")
    with connection.cursor() as cursor:
        for table, column, pk in (
            (User.groups.through._meta.db_table, "group_id", group.pk),
            (User.user_permissions.through._meta.db_table, "permission_id", permission.pk),
        ):
            user_id = User._meta.pk.get_db_prep_value(user.pk, connection)
            cursor.execute(
                f"INSERT INTO {table} (user_id, {column}) VALUES (%s, %s)", [user_id, pk]
            )
    stored = User.objects.get()
    assert stored.get_all_permissions() == set()
    assert not stored.has_perm("django_jazzauth.delete_user")
