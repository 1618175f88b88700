"""Foreign keys whose ``on_delete`` Django carries out past the queryset, and so past the log.

``SET_NULL`` and ``SET()`` end in ``QuerySet.update()``. For ``SET_DEFAULT``, and functions of a
project's own, Django reads the rows first and then updates them by a query of its own. So before
what they point at is deleted, the same change is journalled here; what comes after it changes
nothing any more.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.fields.related import lazy_related_operation
from django.db.models.signals import class_prepared, pre_delete

from ..errors import NotJournalled

_JOURNALLED = (models.CASCADE, models.PROTECT, models.RESTRICT, models.DO_NOTHING)
_WATCHERS = "sealed_watchers"


def is_followed(on_delete: Any) -> bool:
    """Whether a deletion that calls this function leaves nothing out of the log."""
    return (
        on_delete in _JOURNALLED
        or on_delete is models.SET_DEFAULT
        or bool(getattr(on_delete, "lazy_sub_objs", False))
    )


def follow_foreign_keys(model: Any) -> None:
    """Journal, or refuse, what deletions of other rows do to foreign keys of ``model``."""
    for field in model._meta.local_concrete_fields:
        on_delete = getattr(field.remote_field, "on_delete", None)
        if on_delete is not None and (
            on_delete is models.SET_DEFAULT or not is_followed(on_delete)
        ):
            lazy_related_operation(_watch, model, field.remote_field.model, field=field)


def _watch(model: Any, target: Any, field: Any) -> None:
    concrete = target._meta.concrete_model

    def before(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
        rows = model._base_manager.using(using).filter(**{field.name: instance})
        if field.remote_field.on_delete is models.SET_DEFAULT:
            rows.update(**{field.name: field.get_default()})
        elif rows.exists():
            raise NotJournalled(
                f"{field}: its on_delete changes rows past the log. Use SET_NULL, SET() or "
                "SET_DEFAULT, or set lazy_sub_objs = True on the function."
            )

    concrete._meta.__dict__.setdefault(_WATCHERS, []).append(before)
    for sender in {concrete, target, *_proxies(concrete)}:
        pre_delete.connect(before, sender=sender, weak=False)


def _proxies(concrete: Any) -> list[Any]:
    found = [m for m in concrete._meta.apps.get_models() if m._meta.proxy]
    return [m for m in found if m._meta.concrete_model is concrete]


def _watch_proxy(sender: Any, **kwargs: Any) -> None:
    # Django sends the signal for the class that the instance is of.
    if sender._meta.proxy:
        for before in sender._meta.concrete_model._meta.__dict__.get(_WATCHERS, ()):
            pre_delete.connect(before, sender=sender, weak=False)


class_prepared.connect(_watch_proxy, dispatch_uid="jazzauth_on_delete_of_proxies")
