"""From what a person types to an entity: an e-mail, a username, a key, a stream, a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.management.base import CommandError

from ..sealed import SealedFieldMixin
from ..store.models import Event as EventRecord
from ..store.registry import Projector, projector_for, projectors


@dataclass(frozen=True, slots=True)
class Address:
    """Where an entity is found.

    Attributes:
        projector: its model, as the store knows it.
        key: its primary key.
    """

    projector: Projector
    key: Any

    @property
    def model(self) -> Any:
        """The model class."""
        return self.projector.model

    @property
    def stream(self) -> str:
        """Name of the stream."""
        return self.projector.stream(self.key)


def find_model(name: str) -> Projector:
    """The event-sourced model of that name.

    Args:
        name: the stable name in streams (``user``), or the Django label (``django_jazzauth.User``),
            in whatever case.

    Raises:
        CommandError: there is none; says which there are.
    """
    wanted = name.lower()
    for projector in projectors():
        if wanted in (projector.entity.lower(), projector.model._meta.label_lower):
            return projector
    known = ", ".join(sorted(projector.entity for projector in projectors()))
    raise CommandError(f"There is no event-sourced model {name!r}. There are: {known}.")


def find_key(projector: Projector, text: str) -> Address:
    """The entity of a model with that primary key; it need not exist.

    Raises:
        CommandError: the text cannot be a key of the model.
    """
    try:
        key = projector.key(f"{projector.entity}/{text}")
    except (ValidationError, ValueError):
        kind = projector.model._meta.pk.get_internal_type()
        raise CommandError(
            f"{text!r} is no primary key of {projector.entity} (its keys are {kind})."
        ) from None
    return Address(projector, key)


def find_entity(text: str, using: str) -> Address:
    """The entity that somebody means by an e-mail, a username, a key or a stream.

    Args:
        text: ``ana@example.org``, ``ana``, ``2f1c…`` or ``session/2f1c…``.
        using: database alias.

    Raises:
        CommandError: nothing is found, or more than one thing; says what to type instead.
    """
    projector = projector_for(text) if "/" in text else None
    if projector is not None:
        return _existing([find_key(projector, text.partition("/")[2])], text, using)
    found = _by_name(text, using)
    return found or _existing(_by_key(text), text, using)


def _by_name(text: str, using: str) -> Address | None:
    model = get_user_model()
    projector = next((one for one in projectors() if one.model is model), None)
    if projector is None:
        return None
    manager = model._base_manager.using(using)
    keys: dict[Any, str] = {}
    for name, lookup in _names(model):
        # The key alone: a broken seal must not keep its history from being read.
        for key in manager.filter(**{lookup: text}).values_list("pk", flat=True)[:2]:
            keys[key] = name
    if len(keys) > 1:
        streams = ", ".join(f"{name}: {projector.stream(key)}" for key, name in keys.items())
        raise CommandError(f"{text!r} can mean several users. Name one by its stream: {streams}.")
    for key in keys:
        return Address(projector, key)
    return None


def _names(model: Any) -> list[tuple[str, str]]:
    names = []
    for name in dict.fromkeys((model.USERNAME_FIELD, model.get_email_field_name())):
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:
            continue
        folded = not isinstance(field, SealedFieldMixin) or field.casefold
        names.append((name, f"{name}__iexact" if folded else name))
    return names


def _by_key(text: str) -> list[Address]:
    found = []
    for projector in projectors():
        try:
            found.append(find_key(projector, text))
        except CommandError:
            continue
    return found


def _existing(addresses: list[Address], text: str, using: str) -> Address:
    streams = {address.stream: address for address in addresses}
    rows = EventRecord.objects.using(using).filter(stream__in=list(streams))
    present = sorted(set(rows.values_list("stream", flat=True)))
    if len(present) == 1:
        return streams[present[0]]
    if present:
        raise CommandError(
            f"{text!r} can mean several entities. Name one by its stream: {', '.join(present)}."
        )
    raise CommandError(
        f"Nothing is known of {text!r}. Give an e-mail, a username, a primary key, or a stream "
        "such as user/<primary key>. Who was deleted is found by primary key or stream only."
    )
