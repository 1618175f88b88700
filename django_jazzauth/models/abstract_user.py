"""The user model that projects extend: Django's API and Better Auth's fields."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser as DjangoAbstractUser
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..sealed import (
    EventSourcedModel,
    FoldedField,
    SealedCharField,
    SealedEmailField,
    SealedTextField,
    creates_plainly,
)
from .user_manager import UserManager, is_internal_username

# Saving only these does not change what the API calls ``updatedAt``: Better Auth's user table
# has neither a password nor a last sign-in.
_SILENT_FIELDS = frozenset({"password", "last_login"})


class AbstractUser(EventSourcedModel, DjangoAbstractUser):  # type: ignore[misc]
    """A user whose personal fields are sealed; everything of Django's ``AbstractUser`` works.

    * ``id`` is a UUID, random unless a proven local-first id is given.
    * ``email`` may be empty, as Django allows (``createsuperuser --email ''``), so the field
      itself is not unique. Its companion ``email_folded`` is: it is NULL for an empty e-mail, and
      otherwise the same for two spellings of one address, whatever their case.
    * ``password`` is the only place of a password hash; Better Auth's credential account refers
      to it and holds none.
    * ``date_joined`` is Better Auth's ``createdAt``.
    * ``display_username`` and ``is_guest`` belong to the plugins ``username`` and ``anonymous``.
      They stand here because every answer that shows a user shows them: in a table of the plugin's
      own they would cost a query each, and a sign-up would be two events. A guest is not what
      Django calls anonymous: ``is_anonymous`` is always false for somebody who has a row.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = SealedCharField(
        _("username"),
        max_length=150,
        unique=True,
        searchable=True,
        casefold=True,
        help_text=_("Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only."),
        validators=[UnicodeUsernameValidator()],
        error_messages={"unique": _("A user with that username already exists.")},
    )
    # Not unique: Django's usernames differ by case. Stock sign-up forms ask for username__iexact.
    username_folded = FoldedField(of="username")
    display_username = SealedCharField(
        _("username as shown"),
        max_length=255,
        blank=True,
        help_text=_("As its owner wrote it; the username itself may be in lower case."),
    )
    # 255 instead of Django's 128: an imported Better Auth hash is 180 characters long.
    password = SealedCharField(_("password"), max_length=255)
    name = SealedCharField(_("name"), max_length=255, blank=True)
    first_name = SealedCharField(_("first name"), max_length=150, blank=True)
    last_name = SealedCharField(_("last name"), max_length=150, blank=True)
    email = SealedEmailField(_("email address"), blank=True, searchable=True, casefold=True)
    email_folded = FoldedField(of="email", unique=True)
    email_verified = models.BooleanField(
        _("email verified"),
        default=False,
        help_text=_("Whether the user has proven to receive mail at this address."),
    )
    image = SealedTextField(_("image"), null=True, blank=True)
    is_guest = models.BooleanField(
        _("guest"),
        default=False,
        help_text=_("Whether this account was opened without a name, an address or a password."),
    )
    # Indexed, unlike Django's: it is what the admin's list is ordered by.
    date_joined = models.DateTimeField(_("date joined"), default=timezone.now, db_index=True)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    class Meta(DjangoAbstractUser.Meta):
        abstract = True

    @creates_plainly
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save as Django does, and keep ``updated_at``."""
        update_fields: Iterable[str] | None = kwargs.get("update_fields")
        if update_fields is not None:
            update_fields = set(update_fields)
            if update_fields - _SILENT_FIELDS:
                kwargs["update_fields"] = update_fields | {"updated_at"}
                self.updated_at = timezone.now()
        elif not self._state.adding:
            self.updated_at = timezone.now()
        super().save(*args, **kwargs)

    def get_full_name(self) -> str:
        """First and last name, or ``name`` where neither is set."""
        return super().get_full_name() or self.name

    def get_short_name(self) -> str:
        """The first name, or ``name`` where it is not set."""
        return super().get_short_name() or self.name

    @property
    def public_username(self) -> str | None:
        """The username its owner chose, ``None`` for an internal one and before there is one."""
        unnamed = not self.username or is_internal_username(self.username)
        return None if unnamed else self.username
