"""One session model for Django's session engine and for the API."""

from __future__ import annotations

import string
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..errors import NotStored
from ..random_text import random_text
from ..sealed import (
    EventSourcedModel,
    EventStoreManager,
    EventStoreQuerySet,
    HeadField,
    SealedCharField,
    SealedTextField,
    creates_plainly,
)
from ..sessions import SessionStore

TOKEN_LENGTH = 32
_TOKEN_LETTERS = string.ascii_letters + string.digits

# Django's names of three fields -> ours.
_ALIASES = {"session_key": "token", "session_data": "data", "expire_date": "expires_at"}


def new_token() -> str:
    """Make a session token: 32 letters and digits, 190 random bits."""
    return random_text(TOKEN_LENGTH, _TOKEN_LETTERS)


def _own_name(name: Any) -> Any:
    """Translate ``session_key__in``, ``-expire_date`` and the like; leave the rest alone."""
    return _translated(name) if isinstance(name, str) else name


@lru_cache(maxsize=1024)
def _translated(name: str) -> str:
    sign, bare = ("-", name[1:]) if name.startswith("-") else ("", name)
    head, separator, lookup = bare.partition("__")
    return sign + _ALIASES.get(head, head) + separator + lookup


def _own_condition(condition: Any) -> Any:
    if isinstance(condition, Q):
        copy = condition.copy()
        copy.children = [_own_condition(child) for child in condition.children]
        return copy
    if isinstance(condition, tuple) and len(condition) == 2:
        return (_own_name(condition[0]), condition[1])
    return condition


def _own_names(values: Mapping[str, Any]) -> dict[str, Any]:
    # Every session that is opened comes by here; most values have names that are ours.
    return {_translated(name): value for name, value in values.items()}


class SessionQuerySet(EventStoreQuerySet):
    """Understands Django's names ``session_key``, ``session_data`` and ``expire_date`` too.

    So that code written for ``django.contrib.sessions.models.Session`` runs unchanged.
    """

    def _filter_or_exclude(self, negate: bool, args: Any, kwargs: dict[str, Any]) -> Any:
        args = tuple(_own_condition(arg) for arg in args)
        return super()._filter_or_exclude(  # type: ignore[misc]
            negate, args, _own_names(kwargs)
        )

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return super().get(*(_own_condition(arg) for arg in args), **_own_names(kwargs))

    def create(self, **kwargs: Any) -> Any:
        return super().create(**_own_names(kwargs))

    def get_or_create(
        self, defaults: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> tuple[Any, bool]:
        return super().get_or_create(
            None if defaults is None else _own_names(defaults), **_own_names(kwargs)
        )

    def update_or_create(
        self,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, bool]:
        return super().update_or_create(
            None if defaults is None else _own_names(defaults),
            None if create_defaults is None else _own_names(create_defaults),
            **_own_names(kwargs),
        )

    def update(self, **kwargs: Any) -> int:
        return super().update(**_own_names(kwargs))

    def order_by(self, *field_names: Any) -> Any:
        return super().order_by(*(_own_name(name) for name in field_names))

    def values(self, *fields: Any, **expressions: Any) -> Any:
        return super().values(*(_own_name(field) for field in fields), **expressions)

    def values_list(self, *fields: Any, flat: bool = False, named: bool = False) -> Any:
        own = (_own_name(field) for field in fields)
        return super().values_list(*own, flat=flat, named=named)

    def only(self, *fields: Any) -> Any:
        return super().only(*(_own_name(field) for field in fields))

    def defer(self, *fields: Any) -> Any:
        return super().defer(*(_own_name(field) for field in fields))

    def live(self) -> Any:
        """The sessions that have not run out."""
        return self.filter(expires_at__gt=timezone.now())


class SessionManager(EventStoreManager.from_queryset(SessionQuerySet)):  # type: ignore[misc]
    """The manager of sessions, with the two methods that Django's own has."""

    use_in_migrations = True

    def encode(self, session_dict: Mapping[str, Any]) -> str:
        """Encode session data as the session engine stores it."""
        text: str = self.model.get_session_store_class()().encode(session_dict)
        return text

    def save(
        self, session_key: str, session_dict: Mapping[str, Any], expire_date: datetime
    ) -> Session:
        """Write the data of a session, or end the session when there is none."""
        try:
            session: Session = self.get(token=session_key)
        except self.model.DoesNotExist:
            session = self.model(token=session_key)
        session.data = self.encode(session_dict)
        session.expires_at = expire_date
        if session_dict:
            session.save(using=self.db)
        elif not session._state.adding:
            session.delete(using=self.db)
        return session


class Session(EventSourcedModel):
    """A signed-in browser or device, or an anonymous visitor's session data.

    Django's session middleware and the API read and write the same rows: a session made by
    either is listed, revoked and expires like any other.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # What was revoked must not come back.
    sealed_restorable = False

    head = HeadField(entity="session", subject="user")
    token = SealedCharField(
        _("token"), max_length=40, unique=True, searchable=True, default=new_token
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="sessions",
        verbose_name=_("user"),
    )
    data = SealedTextField(_("session data"), blank=True, default="")
    ip_address = SealedCharField(_("IP address"), max_length=64, blank=True, default="")
    user_agent = SealedTextField(_("user agent"), blank=True, default="")
    expires_at = models.DateTimeField(_("expires at"), db_index=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now, editable=False)
    impersonated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("impersonated by"),
    )

    objects: ClassVar[SessionManager] = SessionManager()

    stored: bool = True
    """``False`` for a stateless session: saving or deleting it raises :class:`NotStored`."""

    class Meta:
        db_table = "jazzauth_session"
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    def __str__(self) -> str:
        # Not the token, as Django's model does: the admin writes this text into its log.
        return f"session {self.pk}"

    @creates_plainly
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save as Django does, and keep ``updated_at``.

        Raises:
            NotStored: the session is stateless.
        """
        self._require_stored()
        update_fields: Iterable[str] | None = kwargs.get("update_fields")
        if not self._state.adding:
            self.updated_at = timezone.now()
            if update_fields is not None:
                kwargs["update_fields"] = {*map(_own_name, update_fields), "updated_at"}
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete as Django does.

        Raises:
            NotStored: the session is stateless.
        """
        self._require_stored()
        deleted: tuple[int, dict[str, int]] = super().delete(*args, **kwargs)
        return deleted

    def _require_stored(self) -> None:
        if not self.stored:
            raise NotStored

    @classmethod
    def get_session_store_class(cls) -> type[SessionStore]:
        """The session engine that reads and writes these rows."""
        return SessionStore

    def fetch_user(self) -> Any:
        """The session's user by a point read; ``None`` for an anonymous session.

        The same as ``session.user``, which has to build a query.
        """
        if self.user_id is None or "user" in self._state.fields_cache:
            return self.user
        model = get_user_model()
        try:
            self.user = model._base_manager.using(self._state.db).get(pk=self.user_id)
        except model.DoesNotExist:
            # Deleted a moment ago, and this row with it.
            return None
        return self.user

    def get_decoded(self) -> dict[str, Any]:
        """The session data, decoded."""
        data: dict[str, Any] = self.get_session_store_class()().decode(self.data)
        return data

    @property
    def session_key(self) -> str:
        """Django's name of :attr:`token`."""
        return str(self.token)

    @session_key.setter
    def session_key(self, value: str) -> None:
        self.token = value

    @property
    def session_data(self) -> str:
        """Django's name of :attr:`data`."""
        return str(self.data)

    @session_data.setter
    def session_data(self, value: str) -> None:
        self.data = value

    @property
    def expire_date(self) -> datetime:
        """Django's name of :attr:`expires_at`."""
        return self.expires_at

    @expire_date.setter
    def expire_date(self, value: datetime) -> None:
        self.expires_at = value
