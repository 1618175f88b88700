"""Ending entities: what happens around the deletion of a row, whoever deletes it."""

from __future__ import annotations

from typing import Any

from django.db import connections, models
from django.db.models.fields.related import resolve_relation
from django.db.models.signals import post_delete, pre_delete

from ..errors import SealBroken
from ..store.event_sql import hold_writer_lock
from .binding import Binding, Opened, binding_of
from .ending import Ending, gather_along, mark_ending, now_gone
from .load import forget_row
from .members import member_field, source_field, sync_members
from .projection import select_head
from .projector import refuse_read_only
from .record import record_deleted
from .snapshot import snapshot_of


def _before(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    binding = binding_of(sender)
    if binding is None:
        return
    refuse_read_only(instance)
    connection = connections[using]
    # Before any row is touched, as every other writer does it.
    hold_writer_lock(connection)
    pk = getattr(instance, binding.pk.attname)
    mark_ending(connection, binding.stream(pk))
    snapshot = snapshot_of(instance, binding)
    if snapshot is None or snapshot.alias != using:
        instance._state.sealed_ending = _opened_row(binding, using, pk)


def _after(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    # Being connected at all is what keeps Django from deleting without collecting instances.
    binding = binding_of(sender)
    if binding is None:
        return
    connection = connections[using]
    pk = getattr(instance, binding.pk.attname)
    snapshot = snapshot_of(instance, binding)
    ending = instance._state.__dict__.pop("sealed_ending", None)
    if snapshot is not None and snapshot.alias == using and snapshot.pk == pk:
        ending = snapshot.opened
    if ending is None:
        values = {name: instance.__dict__.get(name) for name in binding.codecs}
        ended = Ending(binding.stream(pk), binding.subject(pk, values), None)
    else:  # the instance may lack the field that names the subject
        subject = binding.subject_of(pk, ending.stream, ending.head.state)
        ended = Ending(ending.stream, subject, ending.head, binding.owners(ending.head.state))
        if ending.row is not None:
            forget_row(binding, connection, ending.row)
    groups = now_gone(connection, binding, ended)
    gather_along(connection, [each for _, endings in groups for each in endings])
    for each, endings in groups:
        record_deleted(each, using, endings)


def _opened_row(binding: Binding, alias: str, pk: Any) -> Opened | None:
    blob = select_head(binding, alias, pk)
    try:
        return None if blob is None else binding.open(alias, pk, blob)
    except SealBroken:
        return None  # what was tampered with can be deleted all the same


def journal_deletions(model: Any) -> None:
    """Let every deletion of a row of ``model`` be an event."""
    pre_delete.connect(_before, sender=model, dispatch_uid="jazzauth_before_deletion")
    post_delete.connect(_after, sender=model, dispatch_uid="jazzauth_deletion")


def follow_target(through: Any) -> None:
    """Let heads follow when a member is deleted while something listens to every deletion.

    Django then deletes the rows of ``through`` one by one, past its queryset.
    """
    owner = through._meta.auto_created
    target = resolve_relation(owner, member_field(through).remote_field.model)

    def before(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
        if not (pre_delete.has_listeners(through) or post_delete.has_listeners(through)):
            return
        field = member_field(through)
        rows: Any = models.QuerySet(through, using=using)
        rows = rows.filter(**{field.m2m_reverse_field_name(): instance})
        sources = set(rows.values_list(source_field(through).attname, flat=True))
        instance._state.__dict__.setdefault("sealed_sources", {})[through] = sources

    def after(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
        sources = instance._state.__dict__.get("sealed_sources", {}).pop(through, None)
        if sources:
            sync_members(through, using, sources)

    for signal, receiver in ((pre_delete, before), (post_delete, after)):
        signal.connect(
            receiver,
            sender=target,
            weak=False,
            dispatch_uid=f"jazzauth_member_{through._meta.label_lower}",
            apps=owner._meta.apps,
        )
