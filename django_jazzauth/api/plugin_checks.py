"""System checks of plugins.

``jazzauth.E040``  an app names a plugin that cannot be loaded.
``jazzauth.E041``  two plugins have one name.
``jazzauth.E042``  a plugin's path is taken, by the core or by another plugin.
``jazzauth.E043``  a payload member is taken.
``jazzauth.E044``  a member of a request body is taken.
``jazzauth.E045``  a plugin needs stored sessions, and they are stateless.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver

from ..conf import NAME, get_settings
from ..errors import ImproperSettings
from . import urls, wire
from .plugins import ATTRIBUTE, Plugin, plugin_of

_CORRECT = f"Correct {ATTRIBUTE} in its AppConfig."
_RENAME = "Remove one of the two apps from INSTALLED_APPS, or rename what the plugin adds."


def check_plugins(**kwargs: Any) -> list[CheckMessage]:
    """All of them, for the plugins of ``INSTALLED_APPS``."""
    found: list[Plugin] = []
    for config in apps.get_app_configs():
        try:
            plugin = plugin_of(config)
        except ImproperlyConfigured as error:
            return [Error(str(error), hint=_CORRECT, id="jazzauth.E040")]
        if plugin is not None:
            found.append(plugin)
    return [*conflicts(found), *_stateless(found)]


def conflicts(plugins: Iterable[Plugin]) -> list[CheckMessage]:
    """What two of ``plugins``, or one of them and the core, both claim."""
    plugins = list(plugins)
    return [
        *_names(plugins),
        *_paths(plugins),
        *_members(plugins),
        *_body_fields(plugins),
    ]


def _stateless(plugins: list[Plugin]) -> Iterator[CheckMessage]:
    try:
        stateless = get_settings().SESSION.STATELESS
    except ImproperSettings:
        return  # jazzauth.E001 says it
    for plugin in plugins:
        if stateless and plugin.needs_stored_sessions:
            yield Error(
                f"The plugin {plugin.name!r} finds sessions by their token alone, which stateless "
                "sessions do not allow.",
                hint=f'Remove its app from INSTALLED_APPS, or {NAME}["SESSION"]["STATELESS"].',
                id="jazzauth.E045",
            )


def _names(plugins: list[Plugin]) -> Iterator[CheckMessage]:
    seen: set[str] = set()
    for plugin in plugins:
        if plugin.name in seen:
            text = f"Two plugins have the name {plugin.name!r}."
            yield Error(text, hint=_RENAME, id="jazzauth.E041")
        seen.add(plugin.name)


def _paths(plugins: list[Plugin]) -> Iterator[CheckMessage]:
    owners: list[tuple[str, URLPattern]] = [("the core", path) for path in urls.core_patterns]
    for plugin in plugins:
        own = [path for entry in plugin.urlpatterns for path in _flat(entry)]
        for path in own:
            route = str(path.pattern)
            for owner, other in owners:
                # A path without parameters may also be one that a parameter of another takes in.
                literal = "<" not in route and other.pattern.match(route) is not None
                if literal or str(other.pattern) == route:
                    text = f"The path {route!r} of the plugin {plugin.name!r} belongs to {owner}."
                    yield Error(text, hint=_RENAME, id="jazzauth.E042")
                    break
        owners += [(f"the plugin {plugin.name!r}", path) for path in own]


def _flat(entry: URLPattern | URLResolver) -> Iterator[URLPattern]:
    if isinstance(entry, URLPattern):
        yield entry
        return
    for inner in entry.url_patterns:
        yield from _flat(inner)


def _members(plugins: list[Plugin]) -> Iterator[CheckMessage]:
    for kind, core in (("user", wire.USER_MEMBERS), ("session", wire.SESSION_MEMBERS)):
        owners = dict.fromkeys(core, "the core")
        for plugin in plugins:
            members = plugin.user_members if kind == "user" else plugin.session_members
            for member in members:
                if member in owners:
                    text = (
                        f"The member {member!r} that the plugin {plugin.name!r} adds to a {kind} "
                        f"belongs to {owners[member]}."
                    )
                    yield Error(text, hint=_RENAME, id="jazzauth.E043")
                owners[member] = f"the plugin {plugin.name!r}"


def _body_fields(plugins: list[Plugin]) -> Iterator[CheckMessage]:
    owners: dict[tuple[type, str], str] = {}
    for plugin in plugins:
        for body_class, fields in plugin.body_fields.items():
            for name in fields:
                taken = owners.get((body_class, name))
                if taken is None and name in body_class._declared_fields:
                    taken = "the core"
                if taken is not None:
                    text = (
                        f"The field {name!r} that the plugin {plugin.name!r} adds to "
                        f"{body_class.__name__} belongs to {taken}."
                    )
                    yield Error(text, hint=_RENAME, id="jazzauth.E044")
                owners[body_class, name] = f"the plugin {plugin.name!r}"
