"""The plugin seam: what other apps add to the API, and who is installed.

A plugin is a Django app whose ``AppConfig`` names a subclass of :class:`Plugin`::

    class LoyaltyConfig(AppConfig):
        name = "shop.loyalty"
        jazzauth_plugin = "shop.loyalty.plugin.LoyaltyPlugin"

Nothing else registers it: the plugins are those of ``INSTALLED_APPS``, in that order, so a test
that changes the setting gets other plugins and leaves nothing behind. They are looked up once per
process; a request pays for the methods that some plugin overrides, and for no others. Two plugins
that claim one path or member are a system check (:mod:`.plugin_checks`).

The core imports no plugin. Plugins import the core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from django.apps import AppConfig, apps
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from ..conf import ImproperJazzAuthSettings

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern, URLResolver
    from rest_framework.serializers import Field

    from ..models import Session
    from .answers import Answers
    from .cookies import CookieJar
    from .endpoint import Endpoint
    from .hooks import Write
    from .options import ApiOptions
    from .serializers import Body
    from .signing_in import SignIn
    from .throttling import Rule

ATTRIBUTE = "jazzauth_plugin"


@dataclass(frozen=True, slots=True)
class Member:
    """One member that a plugin adds to what the client sees of users or sessions.

    Args:
        read: takes the user or session, returns a value of JSON. It is called for every answer
            that shows one, so it should not need a query: see ``docs/howto/plugins.md``.
        schema: what OpenAPI says of the value, as JSON Schema.
    """

    read: Callable[[Any], Any]
    schema: Mapping[str, Any]


@dataclass(slots=True)
class Credential:
    """What a request presents instead of the session cookie.

    Args:
        token: of a stored session, dead or alive.
        session: one that the plugin itself vouches for, with its user, and that need not be
            stored; it is neither prolonged nor put into cookies.
    """

    token: str | None = field(default=None, repr=False)
    session: Session | None = None


class Plugin:
    """Base of plugins: every attribute and method is optional but ``name``."""

    name: ClassVar[str]
    """Better Auth's name of the plugin, e.g. ``two-factor``."""
    urlpatterns: ClassVar[Sequence[URLPattern | URLResolver]] = ()
    """Paths beside the core's; views derive from :class:`~.endpoint.Endpoint`."""
    body_fields: ClassVar[Mapping[type[Body], Mapping[str, Field[Any, Any, Any, Any]]]] = {}
    """More members of request bodies: body class -> our name of the member -> its field."""
    user_members: ClassVar[Mapping[str, Member]] = {}
    """More members of a user, in answers, in the cache cookie and in JWTs, by the client's name."""
    session_members: ClassVar[Mapping[str, Member]] = {}
    """The same for sessions."""
    answers: ClassVar[Mapping[type[Endpoint], Answers]] = {}
    """What it adds to the answers of endpoints of a class, or of one below it, for the OpenAPI
    document."""
    session_headers: ClassVar[Mapping[str, str]] = {}
    """Headers that it sends along with the session cookie: name -> what it is."""
    rate_rules: ClassVar[Sequence[Rule]] = ()
    """Rate limits of paths; a project's own rules come first, the core's come after."""
    messages: ClassVar[Mapping[str, str]] = {}
    """Text of each error code that the plugin answers with: ``raise ApiError(400, code)``."""
    needs_stored_sessions: ClassVar[bool] = False
    """Whether it finds sessions by their token alone, which stateless ones do not allow."""

    def credential(self, request: HttpRequest, options: ApiOptions) -> Credential | None:
        """What the request presents instead of the session cookie, ``None`` without it.

        The first plugin that finds something decides. Never raises for a bad credential.
        """

    def before_request(self, endpoint: Endpoint) -> None:
        """Look at a request whose body is valid, before its handler runs.

        Raises:
            ApiError: to refuse it.
        """

    def user_values(self, body: Mapping[str, Any], user: Any) -> Mapping[str, Any]:
        """Turn members of a body, under our names, into values of fields of the user model.

        Args:
            body: of a sign-up or of ``/update-user``.
            user: who is changed, ``None`` at a sign-up.

        Raises:
            ApiError: a value cannot be accepted.
        """
        return {}

    def refuse_taken(self, values: Mapping[str, Any], user: Any) -> None:
        """Refuse values that another user has.

        Called before a user is written, and once more when the database's unique index said no:
        somebody else was faster then.

        Args:
            values: what is to be written, by field names of the user model.
            user: who is changed, ``None`` for a new one.

        Raises:
            ApiError: one of them is taken.
        """

    def user_written(self, body: Mapping[str, Any], user: Any) -> None:
        """Keep members of a body that are no fields of the user model, in models of one's own.

        Called in the transaction in which the user is written.

        Args:
            body: of a sign-up or of ``/update-user``, under our names.
            user: who was created or changed.

        Raises:
            ApiError: to refuse; the user is not written either.
        """

    def before_write(self, data: dict[str, Any], write: Write) -> Mapping[str, Any] | bool | None:
        """As ``HOOKS["<entity>.<verb>.before"]``, for every write; see :mod:`.hooks`."""

    def after_write(self, instance: Any, write: Write) -> None:
        """As ``HOOKS["<entity>.<verb>.after"]``, for every write."""

    def before_sign_in(self, sign_in: SignIn) -> HttpResponse | None:
        """Look at a sign-in whose credentials are right, before the session is opened.

        Returns:
            ``None`` to let it pass, or another answer: then there is no session.

        Raises:
            ApiError: to refuse it.
        """

    def after_sign_in(self, sign_in: SignIn, answer: HttpResponse) -> None:
        """Follow a sign-in: ``sign_in.session`` is open, or ``None`` if a plugin stepped between.

        Runs before the answer is sent, and may add to it.
        """

    def session_cookie_written(
        self, answer: HttpResponse, session: Session, jar: CookieJar
    ) -> None:
        """Add to every answer that sets the session cookie."""

    def after_sign_out(self, answer: HttpResponse, jar: CookieJar) -> None:
        """Add to the answer of ``/sign-out``; the session has ended."""

    def answered(self, endpoint: Endpoint, answer: HttpResponse) -> None:
        """Add to any answer, errors included. Too late to refuse."""


class Registry:
    """Plugins in their order, with what they add sorted by where it is needed.

    The attributes that have the name of a method of :class:`Plugin` are the bound methods of
    those plugins that override it.

    Args:
        plugins: the first comes first.
    """

    def __init__(self, plugins: Iterable[Plugin] = ()) -> None:
        self.plugins = tuple(plugins)
        self.user_members = _merged(plugin.user_members for plugin in self.plugins)
        self.session_members = _merged(plugin.session_members for plugin in self.plugins)
        self.messages = _merged(plugin.messages for plugin in self.plugins)
        self.session_headers = _merged(plugin.session_headers for plugin in self.plugins)
        self.rate_rules = tuple(rule for plugin in self.plugins for rule in plugin.rate_rules)
        self.urlpatterns = [pattern for plugin in self.plugins for pattern in plugin.urlpatterns]
        self.credential = self._overriding("credential")
        self.before_request = self._overriding("before_request")
        self.before_write = self._overriding("before_write")
        self.after_write = self._overriding("after_write")
        self.before_sign_in = self._overriding("before_sign_in")
        self.after_sign_in = self._overriding("after_sign_in")
        self.session_cookie_written = self._overriding("session_cookie_written")
        self.after_sign_out = self._overriding("after_sign_out")
        self.answered = self._overriding("answered")
        self._user_values = self._overriding("user_values")
        self._refuse_taken = self._overriding("refuse_taken")
        self._user_written = self._overriding("user_written")

    def fields_of(self, body_class: type[Body]) -> dict[str, Field[Any, Any, Any, Any]]:
        """The fields that plugins add to a request body, by our names."""
        return _merged(plugin.body_fields.get(body_class, {}) for plugin in self.plugins)

    def answers_of(self, endpoint: Endpoint) -> list[Answers]:
        """What plugins add to the answers of an endpoint."""
        added = (item for plugin in self.plugins for item in plugin.answers.items())
        return [answers for cls, answers in added if isinstance(endpoint, cls)]

    def read_members(self, members: Mapping[str, Member], subject: Any) -> dict[str, Any]:
        """The values of ``members`` for a user or session."""
        return {name: member.read(subject) for name, member in members.items()}

    def user_values(self, body: Mapping[str, Any], user: Any = None) -> dict[str, Any]:
        """See :meth:`Plugin.user_values`."""
        if not self._user_values:
            return {}
        return _merged(read(body, user) for read in self._user_values)

    def refuse_taken(self, values: Mapping[str, Any], user: Any = None) -> None:
        """See :meth:`Plugin.refuse_taken`."""
        for refuse in self._refuse_taken:
            refuse(values, user)

    def user_written(self, body: Mapping[str, Any], user: Any) -> None:
        """See :meth:`Plugin.user_written`."""
        for keep in self._user_written:
            keep(body, user)

    def _overriding(self, name: str) -> tuple[Callable[..., Any], ...]:
        base = getattr(Plugin, name)
        return tuple(getattr(p, name) for p in self.plugins if getattr(type(p), name) is not base)


def plugin_of(config: AppConfig) -> Plugin | None:
    """The plugin that an app brings, ``None`` for any other app.

    Raises:
        ImproperSettings: it names something that is not there or not a plugin.
    """
    path = getattr(config, ATTRIBUTE, None)
    if path is None:
        return None
    try:
        found = import_string(path)
    except ImportError as error:
        raise ImproperJazzAuthSettings(
            f"{config.name}: {ATTRIBUTE} = {path!r} cannot be imported: {error}"
        ) from error
    if not (isinstance(found, type) and issubclass(found, Plugin) and hasattr(found, "name")):
        raise ImproperJazzAuthSettings(
            f"{config.name}: {ATTRIBUTE} = {path!r} is not a subclass of Plugin with a name."
        )
    return found()


@cache
def installed() -> Registry:
    """The plugins of ``INSTALLED_APPS``.

    Raises:
        ImproperSettings: see :func:`plugin_of`.
    """
    found = (plugin_of(config) for config in apps.get_app_configs())
    return Registry(plugin for plugin in found if plugin is not None)


def _merged(mappings: Iterable[Mapping[Any, Any]]) -> dict[Any, Any]:
    merged: dict[Any, Any] = {}
    for mapping in mappings:
        merged.update(mapping)
    return merged


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "INSTALLED_APPS":
        installed.cache_clear()


setting_changed.connect(_forget, dispatch_uid="jazzauth.plugins")
