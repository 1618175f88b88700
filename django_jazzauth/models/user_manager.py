"""The manager of user models: Django's, and a sign-up in one transaction."""

from __future__ import annotations

import base64
import re
import secrets
import uuid
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import transaction
from django.utils import timezone

from ..sealed import EventStoreManager, EventStoreQuerySet
from ..sealed.binding import binding_of
from ..sealed.creating import new_instance
from ..sealed.point import point_read
from ..store.acting import acting_as_told, current_cause
from .account import CREDENTIAL, Account

if TYPE_CHECKING:
    from .abstract_user import AbstractUser

# Passes Django's username validator (so that the admin's forms accept it), but not the one of
# Better Auth's username endpoints (letters, digits, "_" and "."): nobody can choose such a name
# over the API. 26 base32 characters carry 130 random bits.
_INTERNAL_USERNAME = re.compile(r"\+[a-z2-7]{26}")


def internal_username() -> str:
    """Make the username of an account that was signed up without one.

    ``username`` is Django's natural key and can be neither empty nor shared; this one is random,
    cannot be guessed from the id or the e-mail, and is never shown by the API.
    """
    return "+" + base64.b32encode(secrets.token_bytes(17)).decode("ascii")[:26].lower()


def is_internal_username(username: str) -> bool:
    """Whether ``username`` was made by :func:`internal_username`."""
    return _INTERNAL_USERNAME.fullmatch(username) is not None


class UserManager(EventStoreManager, DjangoUserManager["AbstractUser"]):
    """Django's ``UserManager`` over the event store, with :meth:`sign_up`."""

    use_in_migrations = True

    def with_email(self, email: str) -> AbstractUser | None:
        """The user of that e-mail address, in whatever case; a point read."""
        model: Any = self.model
        try:
            if self._has_all_rows():
                user: AbstractUser = point_read(model, "email__iexact", email)
            else:
                user = self.get(email__iexact=email)
        except model.DoesNotExist:
            return None
        return user

    def _has_all_rows(self) -> bool:
        """Whether ``get()`` of this manager is that of the model: nobody narrowed or changed it."""
        made, model = type(self), self.model
        return (
            self is model._default_manager
            and self._db is None
            and self._queryset_class is EventStoreQuerySet
            and made.get_queryset is UserManager.get_queryset
            and made.get is UserManager.get
            and not (model._meta.proxy or model._meta.parents)
            and binding_of(model) is not None
        )

    def sign_up(
        self,
        *,
        email: str,
        name: str,
        password: str | None,
        user_id: uuid.UUID | None = None,
        username: str = "",
        **fields: Any,
    ) -> AbstractUser:
        """Create a user and their credential account, both or neither.

        Args:
            email: see :meth:`build`, as for all others.
            name: likewise.
            password: likewise; without one no credential account is created.
            user_id: likewise.
            username: likewise.
            fields: likewise.

        Raises:
            django.db.IntegrityError: when e-mail, username or id is taken.
        """
        user = self.build(
            email=email, name=name, password=password, user_id=user_id, username=username, **fields
        )
        self.store(user)
        return user

    def build(
        self,
        *,
        email: str,
        name: str,
        password: str | None,
        user_id: uuid.UUID | None = None,
        username: str = "",
        **fields: Any,
    ) -> AbstractUser:
        """Make a user for :meth:`store`. Hashing takes its time: no transaction should be open.

        Args:
            email: stored in lower case, as Better Auth does.
            name: the name to show.
            password: hashed with the preferred hasher; ``None`` makes it unusable.
            user_id: a proven local-first id; without it the model, or the database, makes one.
            username: an internal one is made when empty.
            fields: further model fields.
        """
        now = timezone.now()
        if user_id is not None:
            fields["pk"] = user_id
        values = {
            "username": username or internal_username(),
            "email": email.lower(),
            "name": name,
            "date_joined": now,
            "updated_at": now,
            **fields,
        }
        user: AbstractUser = new_instance(self.model, self.db, values) or self.model(**values)
        user.set_password(password)
        return user

    def store(self, user: AbstractUser) -> Account | None:
        """Create the user that :meth:`build` made, and their credential account.

        Returns:
            The account; ``None`` for a user without a password.

        Raises:
            django.db.IntegrityError: when e-mail, username or id is taken.
        """
        # Who signs up acts for themselves, unless somebody else does it for them.
        actor = current_cause().get("actor")

        def tell() -> dict[str, str]:
            return {"actor": actor or str(user.pk)}  # a number is known once the row is there

        with transaction.atomic(using=self.db, savepoint=False), acting_as_told(tell):
            user.save(using=self.db, force_insert=True)
            if not user.has_usable_password():
                return None
            account: Account = Account.objects.db_manager(self.db).create(
                user=user, provider_id=CREDENTIAL, account_id=str(user.pk)
            )
            return account
