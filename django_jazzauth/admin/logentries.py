"""The admin's own log, without names.

``django_admin_log`` is a plain table of Django's: what stands there can be read in a stolen dump.
Django writes ``str(object)`` into it, which for a user is the username. Here the kind and the
primary key are written instead; what changed, and from what to what, is in the sealed log.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import construct_change_message
from django.contrib.contenttypes.models import ContentType


def neutral_name(instance: Any) -> str:
    """Kind and primary key: ``user 2f1c…``."""
    return f"{instance._meta.verbose_name} {instance.pk}"


def write_entries(
    user_id: Any, instances: Iterable[Any], flag: int, message: Any = ""
) -> list[LogEntry]:
    """Write one log entry per instance.

    Args:
        user_id: primary key of who did it.
        instances: what it was done to.
        flag: ``ADDITION``, ``CHANGE`` or ``DELETION``.
        message: text, or the list that ``change_message`` gives.
    """
    text = json.dumps(message) if isinstance(message, list) else message
    entries = [
        LogEntry(
            user_id=user_id,
            content_type=ContentType.objects.get_for_model(instance, for_concrete_model=False),
            object_id=str(instance.pk),
            object_repr=neutral_name(instance)[:200],
            action_flag=flag,
            change_message=text,
        )
        for instance in instances
    ]
    if len(entries) == 1:
        entries[0].save()  # sends the signals that listeners to a single change wait for
        return entries
    return LogEntry.objects.bulk_create(entries)


def change_message(form: Any, formsets: Any, add: bool) -> list[dict[str, Any]]:
    """Django's account of what a form changed (field names only), objects of inlines unnamed."""
    message: list[dict[str, Any]] = construct_change_message(form, formsets, add)
    inline = [part for part in message if any("object" in said for said in part.values())]
    for part, instance in zip(inline, _inline_objects(formsets), strict=True):
        for said in part.values():
            said["object"] = str(instance.pk or "")
    return message


def _inline_objects(formsets: Any) -> Iterable[Any]:
    for formset in formsets or ():
        yield from formset.new_objects
        for changed, _fields in formset.changed_objects:
            yield changed
        yield from formset.deleted_objects
