"""Django's session engine over the event store: ``SESSION_ENGINE = "django_jazzauth.sessions"``.

The class must be called ``SessionStore``: its name is part of the salt under which Django signs
the session data.
"""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.apps import apps
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import router
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from .client import client_address, user_agent
from .random_text import random_text

_BATCH = 1000
_BACKEND = "django_jazzauth.backends.EventStoreBackend"


class SessionStore(DatabaseSessionStore):
    """Reads and writes :class:`~django_jazzauth.models.Session`.

    A row knows its user, so that sessions can be listed and revoked per person, and keeps its
    id and first date through all saves. A session that was opened by the API has no data yet;
    it is read as the session of its user.
    """

    _row: Any = None
    _client: tuple[str, str] | None = None
    _user: Any = None
    _new_key: str | None = None  # made here, and no row has it yet

    @classmethod
    def get_model_class(cls) -> type[Any]:
        """The model; a subclass may name another one, as with Django's engine."""
        return apps.get_model("django_jazzauth", "Session")

    @classmethod
    def _is_foreign(cls) -> bool:
        # A subclass with a model over Django's AbstractBaseSession keeps Django's ways.
        return "token" not in {field.name for field in cls.get_model_class()._meta.get_fields()}

    @property
    def _rows(self) -> Any:
        return self.get_model_class().objects

    def note_user(self, user: Any) -> None:
        """Take down whose session it is from now on: somebody who was just authenticated."""
        self._user = user

    def note_client(self, ip_address: str, agent: str) -> None:
        """Take down where the session is used from; written with the next save."""
        self._client = (ip_address, agent)

    # Reading

    def load(self) -> dict[str, Any]:
        """The session data, ``{}`` for a session that does not exist or has run out."""
        if self._is_foreign():
            return super().load()
        row = self._live_row()
        return {} if row is None else self._data_of(row)

    async def aload(self) -> dict[str, Any]:
        """See :meth:`load`."""
        if self._is_foreign():
            return await super().aload()
        return await sync_to_async(self.load)()

    def exists(self, session_key: str | None) -> bool:
        """Whether a session of this key is stored."""
        if self._is_foreign():
            return super().exists(session_key or "")
        return bool(self._rows.filter(token=session_key).exists())

    async def aexists(self, session_key: str | None) -> bool:
        """See :meth:`exists`."""
        if self._is_foreign():
            return await super().aexists(session_key or "")
        return bool(await self._rows.filter(token=session_key).aexists())

    def _live_row(self) -> Any:
        row = self._fetch(self.session_key)
        if row is None or row.expires_at <= timezone.now():
            self._session_key = None
            return None
        self._row = row
        return row

    def _fetch(self, token: str | None) -> Any:
        # By token alone, a unique field: that is a point read, no query has to be built.
        try:
            return self._rows.get(token=token)
        except ObjectDoesNotExist:
            return None

    def _data_of(self, row: Any) -> dict[str, Any]:
        if row.data or row.user_id is None:
            data: dict[str, Any] = self.decode(row.data)
            return data
        user = row.fetch_user()
        if user is None:
            return {}
        return {
            SESSION_KEY: user._meta.pk.value_to_string(user),
            BACKEND_SESSION_KEY: _BACKEND,
            HASH_SESSION_KEY: user.get_session_auth_hash(),
        }

    # Writing. ``create`` and ``flush`` are Django's own, and so is what ``save`` and ``cycle_key``
    # do in the end; they build the instance to write with the methods below.

    def _get_new_session_key(self) -> str:
        # Django asks the database whether the key is taken. With 165 random bits it is not, and
        # if it were, the unique index would refuse the row and ``create`` would try again.
        self._new_key = random_text(32, VALID_KEY_CHARS)
        return self._new_key

    async def _aget_new_session_key(self) -> str:
        return self._get_new_session_key()

    def save(self, must_create: bool = False) -> None:
        """As Django's; a session whose key is new is created."""
        super().save(must_create=must_create or self._key_is_new())
        self._new_key = None

    async def asave(self, must_create: bool = False) -> None:
        """See :meth:`save`."""
        await super().asave(must_create=must_create or self._key_is_new())
        self._new_key = None

    def _key_is_new(self) -> bool:
        return self._new_key is not None and self._new_key == self.session_key

    def cycle_key(self) -> None:
        """As Django's; where nothing is stored yet, the new key is stored with the next save.

        So ``login()`` writes one session, that of its user, and not an anonymous one before it.
        """
        if self._is_foreign() or self.session_key is not None:
            super().cycle_key()
            return
        self.keys()  # read before the key is another
        self._session_key = self._get_new_session_key()
        self.modified = True

    async def acycle_key(self) -> None:
        """See :meth:`cycle_key`."""
        if self._is_foreign() or self.session_key is not None:
            await super().acycle_key()
            return
        await self.akeys()
        self._session_key = self._get_new_session_key()
        self.modified = True

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """The row to write: the stored one with the new data, or a new one."""
        if self._is_foreign():
            return super().create_model_instance(data)
        if self.session_key is None:
            self._session_key = self._get_new_session_key()
        token = self.session_key
        row = self._row
        if row is None or row.token != token:
            found = None if self._key_is_new() else self._fetch(token)
            row = self._row = found or self.get_model_class()(token=token)
        row.data = self.encode(data)
        row.expires_at = self.get_expiry_date()
        self._bind_user(row, data)
        if self._client is not None:
            row.ip_address, row.user_agent = self._client
        return row

    async def acreate_model_instance(self, data: dict[str, Any]) -> Any:
        """See :meth:`create_model_instance`."""
        if self._is_foreign():
            return await super().acreate_model_instance(data)
        return await sync_to_async(self.create_model_instance)(data)

    def _bind_user(self, row: Any, data: dict[str, Any]) -> None:
        pk = _user_pk(data.get(SESSION_KEY))
        if pk == row.user_id:
            return
        # Session data may say anything; a row must not refer to a user who does not exist, nor
        # to one of another model (tests swap AUTH_USER_MODEL while the project runs).
        users = row._meta.get_field("user").related_model
        known = pk is not None and users is get_user_model()
        alias = router.db_for_write(type(row), instance=row)
        user = self._user
        if isinstance(user, users) and user.pk == pk and user._state.db == alias:
            row.user_id = pk
            return
        holders = users._base_manager.using(alias).filter(pk=pk)
        row.user_id = pk if known and holders.exists() else None

    def delete(self, session_key: str | None = None) -> None:
        """Delete this session, or the one of the given key."""
        if self._is_foreign():
            super().delete(session_key)
            return
        session_key = session_key or self.session_key
        if session_key is None:
            return
        row = self._row
        if row is None or row.token != session_key:
            row = self._fetch(session_key)
        if row is not None and row.pk is not None:
            row.delete()
        if row is self._row:
            self._row = None

    async def adelete(self, session_key: str | None = None) -> None:
        """See :meth:`delete`."""
        if self._is_foreign():
            await super().adelete(session_key)
            return
        await sync_to_async(self.delete)(session_key)

    @classmethod
    def clear_expired(cls) -> None:
        """Delete what has run out, a batch at a time (``manage.py clearsessions``)."""
        if cls._is_foreign():
            super().clear_expired()
            return
        manager = cls.get_model_class().objects
        now = timezone.now()
        while pks := list(manager.filter(expires_at__lt=now).values_list("pk", flat=True)[:_BATCH]):
            manager.filter(pk__in=pks).delete()

    @classmethod
    async def aclear_expired(cls) -> None:
        """See :meth:`clear_expired`."""
        await sync_to_async(cls.clear_expired)()


def _user_pk(text: Any) -> Any:
    if text is None:
        return None
    try:
        return get_user_model()._meta.pk.to_python(text)
    except ValidationError:
        return None


@receiver(user_logged_in, dispatch_uid="django_jazzauth.sessions.note_login")
def _note_login(sender: Any, request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    session = getattr(request, "session", None)
    if request is not None and isinstance(session, SessionStore):
        session.note_client(client_address(request), user_agent(request))
        session.note_user(user)
