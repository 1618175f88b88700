"""Hooks of a project around what the API writes: change it, refuse it, or learn of it.

A hook is named in ``JAZZAUTH["HOOKS"]`` (``{"user.create.before": "shop.hooks.customers_only"}``)
or connected to a signal. Entities are ``user``, ``session``, ``account`` and ``verification``,
verbs ``create`` and ``update``, moments ``before`` and ``after``.

* ``before(data, write)``: ``data`` are the values by field name. Return a dict of other values,
  ``None`` to leave them, ``False`` to refuse; or raise :class:`~.errors.ApiError`, which the client
  gets as it is.
* ``after(instance, write)``: what was written. It runs before the answer is sent.

A sign-up makes user, account and session in one transaction: ``session.create.before`` runs in it,
and what comes after a write runs behind it.

Plugins come first, then the settings, then the signals: the project has the last word.

Receivers of :data:`before_write` and :data:`after_write` get the same values by keyword, the
sender is the model, and what a receiver of ``before_write`` returns counts as above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from django.db import transaction
from django.dispatch import Signal
from django.http import HttpRequest
from django.utils.module_loading import import_string

from ..conf import get_settings
from ..models import Account, Session, Verification
from ..user_model import user_model
from . import plugins
from .afterwards import afterwards
from .errors import ApiError

Entity = Literal["user", "session", "account", "verification"]
Verb = Literal["create", "update"]

before_write = Signal()
"""Sent with ``data`` and ``write``."""
after_write = Signal()
"""Sent with ``instance`` and ``write``."""

# The answer to a refusal that gives no answer of its own.
_REFUSED: dict[tuple[Entity, Verb], tuple[int, str]] = {
    ("user", "create"): (400, "FAILED_TO_CREATE_USER"),
    ("user", "update"): (400, "FAILED_TO_UPDATE_USER"),
    ("session", "create"): (401, "FAILED_TO_CREATE_SESSION"),
    ("session", "update"): (401, "FAILED_TO_GET_SESSION"),
    ("account", "create"): (400, "FAILED_TO_CREATE_USER"),
    ("account", "update"): (400, "FAILED_TO_UPDATE_USER"),
    ("verification", "create"): (400, "FAILED_TO_CREATE_VERIFICATION"),
    ("verification", "update"): (400, "FAILED_TO_CREATE_VERIFICATION"),
}


@dataclass(frozen=True, slots=True)
class Write:
    """What is about to be written, or just was.

    Args:
        entity: ``user``, ``session``, ``account`` or ``verification``.
        verb: ``create`` or ``update``.
        request: the request that leads to it, ``None`` outside of one.
        instance: what is updated; ``None`` where something is created.
    """

    entity: Entity
    verb: Verb
    request: HttpRequest | None = None
    instance: Any = None


def ask(
    entity: Entity,
    verb: Verb,
    data: dict[str, Any],
    *,
    request: HttpRequest | None = None,
    instance: Any = None,
) -> dict[str, Any]:
    """Run the hooks that come before a write.

    Returns:
        the values to write.

    Raises:
        ApiError: a hook refuses.
    """
    of_plugins = plugins.installed().before_write
    if not (of_plugins or get_settings().HOOKS or before_write.receivers):
        return data  # nobody asks to be asked
    write = Write(entity, verb, request, instance)
    for hook in (*of_plugins, *_hooks(entity, verb, "before")):
        data = _merged(data, hook(data, write), write)
    sent = before_write.send(sender=_model(entity), data=data, write=write)
    for _receiver, answer in sent:
        data = _merged(data, answer, write)
    return data


def tell(entity: Entity, verb: Verb, instance: Any, *, request: HttpRequest | None = None) -> None:
    """Run the hooks that come after a write."""

    def tell_now() -> None:
        of_plugins = plugins.installed().after_write
        if not (of_plugins or get_settings().HOOKS or after_write.receivers):
            return
        write = Write(entity, verb, request, instance)
        for hook in (*of_plugins, *_hooks(entity, verb, "after")):
            hook(instance, write)
        after_write.send(sender=_model(entity), instance=instance, write=write)

    afterwards(tell_now)


def save(
    entity: Entity,
    instance: Any,
    changes: dict[str, Any],
    *,
    request: HttpRequest | None = None,
    touch: tuple[str, ...] = (),
    along: Callable[[], None] | None = None,
) -> None:
    """Change fields of ``instance`` and save these, with the hooks around it.

    Args:
        entity: what it is.
        instance: of a model.
        changes: new values by field name; there may be none, then no hook runs.
        request: the one that leads to it.
        touch: fields to save besides, whose value the model itself makes.
        along: writes something else in the same transaction.

    Raises:
        ApiError: a hook refuses.
        django.db.DatabaseError: it cannot be saved; the transaction around this one lives on.
    """
    told = bool(changes)
    if told:
        changes = ask(entity, "update", changes, request=request, instance=instance)
    for name, value in changes.items():
        setattr(instance, name, value)
    with transaction.atomic(using=instance._state.db):
        if changes:
            instance.save(update_fields=[*changes, *touch])
        if along is not None:
            along()
    if told:
        tell(entity, "update", instance, request=request)


def _merged(data: dict[str, Any], answer: Any, write: Write) -> dict[str, Any]:
    if answer is False:
        status, code = _REFUSED[write.entity, write.verb]
        raise ApiError(status, code)
    return data if answer is None or answer is True else {**data, **answer}


def _hooks(entity: Entity, verb: Verb, moment: str) -> Iterator[Callable[..., Any]]:
    named = get_settings().HOOKS.get(f"{entity}.{verb}.{moment}", ())
    for path in (named,) if isinstance(named, str) else named:
        yield _imported(path)


@lru_cache(maxsize=64)
def _imported(path: str) -> Callable[..., Any]:
    function: Callable[..., Any] = import_string(path)
    return function


def _model(entity: Entity) -> Any:
    models: dict[Entity, Any] = {
        "session": Session,
        "account": Account,
        "verification": Verification,
    }
    return models.get(entity) or user_model()
