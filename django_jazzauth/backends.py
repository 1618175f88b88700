"""Sign-in and permissions: ``AUTHENTICATION_BACKENDS = [".../EventStoreBackend"]``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.http import HttpRequest

from .errors import SealBroken
from .hashers import verify_against_nobody

logger = logging.getLogger("django_jazzauth.backends")
_Found = TypeVar("_Found")
_LONGEST_ADDRESS = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets


def granted_ids(user: Any, relation: str) -> Any:
    """Primary keys of the groups or permissions that were really given to ``user``.

    They come from the user's authenticated head, so that a row put into the join table by SQL
    gives nobody power. A user model that is not event-sourced has no head; there the relation
    itself is asked.

    Args:
        user: of any user model.
        relation: ``"groups"`` or ``"user_permissions"``.
    """
    from_head = getattr(user, "sealed_m2m", None)
    if from_head is not None:
        return from_head(relation)
    return getattr(user, relation).values("pk")


def _genuine(read: Callable[[], _Found], otherwise: _Found) -> _Found:
    """What ``read`` finds; ``otherwise`` when a row on the way does not fit its head.

    Whoever changed it gains nothing, and the page gets a visitor who is not signed in instead of
    an error. The log names the row; ``manage.py jazzauth verify`` names what is wrong with it.
    """
    try:
        return read()
    except SealBroken as error:
        logger.error("A user was treated as absent: %s", error)
        return otherwise


class EventStoreBackend(ModelBackend):
    """Signs in by username or e-mail, with the same work for users who do not exist."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """The user whose username or e-mail and password these are, or ``None``."""
        username = self._login_name(username, kwargs)
        if username is None or password is None:
            return None
        candidates: list[Any] = _genuine(lambda: self._candidates(username), [])
        for user in candidates:
            if user.check_password(password) and self.user_can_authenticate(user):
                return user
        if not candidates:
            verify_against_nobody(password)
        return None

    async def aauthenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """See :meth:`authenticate`."""
        username = self._login_name(username, kwargs)
        if username is None or password is None:
            return None
        candidates: list[Any] = await sync_to_async(_genuine)(
            lambda: self._candidates(username), []
        )
        for user in candidates:
            if await user.acheck_password(password) and self.user_can_authenticate(user):
                return user
        if not candidates:
            await sync_to_async(verify_against_nobody, thread_sensitive=False)(password)
        return None

    def get_user(self, user_id: Any) -> Any:
        """The user of a session; ``None`` too when the user's row was tampered with."""
        return _genuine(lambda: super(EventStoreBackend, self).get_user(user_id), None)

    async def aget_user(self, user_id: Any) -> Any:
        """See :meth:`get_user`."""
        return await sync_to_async(self.get_user)(user_id)

    @staticmethod
    def _login_name(username: str | None, credentials: dict[str, Any]) -> str | None:
        if username is None:
            username = credentials.get(get_user_model().USERNAME_FIELD)
        if username is None:
            username = credentials.get("email")
        return username

    @staticmethod
    def _candidates(name: str) -> list[Any]:
        """Who may mean themselves by ``name``: at most one by username and one by e-mail.

        Where the username of one is the e-mail of another, the password decides: neither can
        lock the other out by taking their name.
        """
        model = get_user_model()
        manager = model._default_manager
        found: list[Any] = []
        with suppress(model.DoesNotExist):
            found.append(manager.get_by_natural_key(name))
        # A longer text is nobody's address, and folding it takes time that grows with its square.
        if "@" in name and len(name) <= _LONGEST_ADDRESS:
            try:
                by_email = manager.get(**{f"{model.get_email_field_name()}__iexact": name})
            except (model.DoesNotExist, model.MultipleObjectsReturned):
                return found
            if by_email not in found:
                found.append(by_email)
        return found

    def _get_user_permissions(self, user_obj: Any) -> QuerySet[Permission]:
        return Permission.objects.filter(pk__in=granted_ids(user_obj, "user_permissions"))

    def _get_group_permissions(self, user_obj: Any) -> QuerySet[Permission]:
        return Permission.objects.filter(group__in=granted_ids(user_obj, "groups"))
