"""An entity's events as people read them: who, when, and what changed field by field."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils import timezone

from ..errors import JazzAuthError
from ..store import Event
from .secrecy import secret_fields

SHOWN_CHARACTERS = 200
EMPTY = "—"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """What one event did to one field.

    Attributes:
        name: the field's name.
        label: the name for people.
        hidden: the field is secret: that it changed is all that is shown.
        old: the value before, as text; "—" where there was none.
        new: the value after.
    """

    name: str
    label: str
    hidden: bool
    old: str = field(repr=False)
    new: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a timeline.

    Attributes:
        position: place in the whole log.
        version: number in the stream.
        type: ``created``, ``updated``, ``deleted``, ``restored`` or ``compacted``.
        recorded_at: when, UTC.
        actor: primary key of the user who did it, as recorded.
        who: how that user is called now; the key where nobody has it any more; "" if unknown.
        via: the way it came: ``admin``, ``command``, ``api``.
        readable: false once the key was destroyed or the payload compacted away.
        compacted: the latter.
        source: from where: address, browser, id of the request; "" if unknown. Personal data.
        changes: what changed; only fields whose value differs.
    """

    position: int
    version: int
    type: str
    recorded_at: datetime.datetime
    actor: str | None
    who: str
    via: str
    readable: bool
    compacted: bool
    source: str = field(repr=False)
    changes: tuple[FieldChange, ...]


def timeline(
    events: Sequence[Event], model: Any, *, using: str, also_secret: Iterable[str] = ()
) -> list[Entry]:
    """Turn events into entries, oldest first.

    Args:
        events: all events of one entity, as ``store.history`` gives them.
        model: its model.
        using: database alias in which the actors' and members' names are looked up.
        also_secret: fields to hide besides ``secret_fields(model)``.
    """
    secret = secret_fields(model) | frozenset(also_secret)
    names = actor_names({event.actor for event in events if event.actor}, using)
    texts = _Texts(model, events, using)
    entries = []
    before: dict[str, Any] = {}
    for event in events:
        changes: tuple[FieldChange, ...] = ()
        if event.state is not None:
            changes = tuple(_changes(model, before, event.state, secret, texts))
            before = event.state
        entries.append(
            Entry(
                position=event.position,
                version=event.version,
                type=event.type,
                recorded_at=event.recorded_at,
                actor=event.actor,
                who=names.get(event.actor or "", event.actor or ""),
                via=_via(event.cause),
                readable=event.readable,
                compacted=event.compacted,
                source=_source(event.cause),
                changes=changes,
            )
        )
    return entries


def actor_names(actors: Iterable[str], using: str) -> dict[str, str]:
    """What the users who acted are called now; who is gone or does not load is left out.

    Args:
        actors: primary keys as text.
        using: database alias.
    """
    model = get_user_model()
    names = {}
    for actor in actors:
        try:
            user = model._base_manager.using(using).get(pk=actor)
        except (model.DoesNotExist, ValidationError, ValueError, JazzAuthError):
            continue
        names[actor] = user.get_username()
    return names


def _via(cause: dict[str, Any]) -> str:
    via = str(cause.get("via", ""))
    mode = str(cause.get("auth_mode", ""))
    named = (via, str(cause.get("command", "")), "" if mode == via else mode)
    return printable(" ".join(filter(None, named)))


def _source(cause: dict[str, Any]) -> str:
    named = (
        ("ip_address", ""),
        ("user_agent", ""),
        ("os_user", "user "),
        ("request_id", "request "),
    )
    parts = [f"{label}{cause[name]}" for name, label in named if cause.get(name)]
    return " · ".join(show_value(part) for part in parts)


def _changes(
    model: Any,
    before: dict[str, Any],
    after: dict[str, Any],
    secret: frozenset[str],
    texts: _Texts,
) -> Iterable[FieldChange]:
    for name, value in after.items():
        old = before.get(name)
        if value == old or (not before and value in (None, "", [])):
            continue
        hidden = name in secret
        yield FieldChange(
            name=name,
            label=str(model._meta.get_field(name).verbose_name),
            hidden=hidden,
            old="" if hidden else texts.show(name, old),
            new="" if hidden else texts.show(name, value),
        )


class _Texts:
    """Values as text. Members of many-to-many fields are shown by name, fetched once."""

    def __init__(self, model: Any, events: Sequence[Event], using: str) -> None:
        self._members: dict[str, dict[Any, str]] = {}
        for relation in model._meta.many_to_many:
            keys = {
                key
                for event in events
                if event.state is not None
                for key in event.state.get(relation.name, ())
            }
            if keys:
                self._members[relation.name] = _member_names(relation, keys, using)

    def show(self, name: str, value: Any) -> str:
        if isinstance(value, list) and name in self._members:
            names = self._members[name]
            return ", ".join(sorted(names.get(key, str(key)) for key in value)) or EMPTY
        return show_value(value)


def _member_names(relation: Any, keys: set[Any], using: str) -> dict[Any, str]:
    remote = relation.remote_field.model
    if getattr(remote._meta, "sealed_head", None) is not None:
        return {}
    return {
        key: str(member)
        for key, member in remote._base_manager.using(using).in_bulk(list(keys)).items()
    }


def show_value(value: Any) -> str:
    """A value as one line of text without control characters, cut after 200 characters."""
    if value is None or value == "" or value == []:
        return EMPTY
    if isinstance(value, datetime.datetime):
        if timezone.is_aware(value):
            value = timezone.localtime(value)
        return str(value.isoformat(sep=" ", timespec="seconds"))
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    text = str(value)
    if len(text) > SHOWN_CHARACTERS:
        text = text[:SHOWN_CHARACTERS] + "…"
    return printable(text)


def printable(text: str) -> str:
    """The text with everything escaped that a terminal would act on."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
