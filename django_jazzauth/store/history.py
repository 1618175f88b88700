"""Looking back: an entity's history, its state at a time, and bringing it back."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, router, transaction

from ..errors import (
    KeyDestroyed,
    NeverExisted,
    NotDeleted,
    PayloadCompacted,
    RestoreRefused,
    StoreError,
)
from ..keys.keyring import keyring
from .event_sql import hold_writer_lock
from .events import Event, head_of, moment, open_record, records
from .journal import COMPACTED, DELETED, ENDED, RESTORED, SHREDDED, Draft, append
from .models import Event as EventRecord
from .registry import Projector, projector_for, projector_of
from .sealing import State


def history(instance: Any, *, pk: Any = None, using: str | None = None) -> list[Event]:
    """Every event of an entity, oldest first.

    Args:
        instance: a model instance, or the model class together with ``pk``.
        pk: primary key, when a class was given (also of a deleted entity).
        using: database alias; by default where the instance is read from.

    Returns:
        The events. One whose key was destroyed or whose payload was compacted has no state and
        ``readable`` false.

    Raises:
        SealBroken: an event was tampered with.
        StoreError: the model is not event-sourced.
    """
    projector, key, alias = address(instance, pk, using)
    found = []
    rows = records(alias, projector.stream(key))
    _drop_destroyed(alias, rows)
    for record in rows:
        state, cause, readable = _opened(alias, record)
        values = None if state is None else projector.values(_upcast(projector, record, state))
        found.append(
            Event(
                record.position,
                record.stream,
                record.version,
                record.type,
                moment(record.recorded_at),
                cause.get("actor"),
                values,
                cause,
                readable,
                record.payload is None,
            )
        )
    return found


def as_of(
    instance: Any, when: datetime.datetime, *, pk: Any = None, using: str | None = None
) -> Any:
    """The entity as it was at a time.

    Args:
        instance: a model instance, or the model class together with ``pk``.
        when: an aware time.
        pk: primary key, when a class was given.
        using: database alias.

    Returns:
        An unsaved instance; saving it raises.

    Raises:
        NeverExisted: it did not exist then: not yet created, or already deleted.
        KeyDestroyed: it existed, but can no longer be read.
        PayloadCompacted: likewise, because its past was dropped after its time.
    """
    projector, key, alias = address(instance, pk, using)
    if when.tzinfo is None:
        raise ValueError("as_of() needs an aware time.")
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    limit = (when - epoch) // datetime.timedelta(microseconds=1)
    stream = projector.stream(key)
    record = (
        EventRecord.objects.using(alias)
        .filter(stream=stream, recorded_at__lte=limit)
        .order_by("-version")
        .first()
    )
    if record is None or record.type in ENDED:
        raise NeverExisted(f"{stream} did not exist at {when.isoformat()}.")
    _drop_destroyed(alias, [record])
    state, _ = open_record(alias, record)
    head = head_of(record, _upcast(projector, record, state or {}))
    return projector.instance(alias, key, head)


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back.

    Attributes:
        instance: the entity that was asked for, saved.
        streams: of all that came back, it first.
        left: streams of what was deleted along with it and stays deleted: it was brought back or
            deleted again by itself, or can no longer be read.
    """

    instance: Any
    streams: list[str]
    left: list[str]


def restore(model: Any, pk: Any, *, using: str | None = None) -> Any:
    """Bring a deleted entity back, as it was before it was deleted, with all deleted along with it.

    Args:
        model: the model class.
        pk: its primary key.
        using: database alias.

    Returns:
        The instance, saved.

    Raises:
        NeverExisted: there is no such stream.
        NotDeleted: it is there.
        RestoreRefused: what it points at is gone, another entity holds a unique value of it or of
            something that comes back with it, or its kind never comes back. Nothing is changed.
        KeyDestroyed: it was shredded.
        PayloadCompacted: its past was dropped after its time.
    """
    return restore_all(model, pk, using=using).instance


def restore_all(model: Any, pk: Any, *, using: str | None = None) -> Restored:
    """As ``restore``, and tell what came back.

    With an entity comes what hung on it by foreign keys and was deleted by the same call of
    ``delete``: a user's accounts, say. Sessions and verifications stay dead.
    """
    projector, key, alias = address(model, pk, using)
    streams: list[str] = []
    left: list[str] = []
    with transaction.atomic(using=alias):
        hold_writer_lock(transaction.get_connection(alias))
        ended, along = _bring_back(alias, projector, key)
        streams.append(ended.stream)
        waiting = [(ended, stream) for stream in reversed(along)]
        while waiting:
            owner, stream = waiting.pop()
            if stream in streams:
                continue
            child = projector_for(stream)
            last = next(iter(records(alias, stream, newest=1)), None)
            # What ended after its owner was alive again in between, and ended for itself.
            other_end = last is None or last.type != DELETED or last.position > owner.position
            if child is None or other_end:
                left.append(stream)
                continue
            try:
                gone, more = _bring_back(alias, child, child.key(stream))
            except (KeyDestroyed, PayloadCompacted):
                left.append(stream)
                continue
            streams.append(stream)
            waiting += [(gone, each) for each in reversed(more)]
    instance = projector.model._base_manager.using(alias).get(pk=key)
    return Restored(instance, streams, left)


def _bring_back(alias: str, projector: Projector, key: Any) -> tuple[EventRecord, list[str]]:
    """Restore one entity: the event that had ended it, and what that says was deleted along."""
    stream = projector.stream(key)
    found = records(alias, stream, newest=2)
    if not found:
        raise NeverExisted(f"{stream} never existed.")
    if found[0].type == SHREDDED:
        raise KeyDestroyed(f"{stream} was shredded: nothing of it can be read any more.")
    if found[0].type == COMPACTED:
        raise PayloadCompacted(
            f"{stream} was compacted: the time for which its past is kept is over."
        )
    _drop_destroyed(alias, found)
    if found[0].type != DELETED:
        raise NotDeleted(f"{stream} is not deleted.")
    _, cause = open_record(alias, found[0])
    state, _ = open_record(alias, found[1])
    if state is None:
        raise KeyDestroyed(f"{stream} has no state left to restore.")
    state = projector.restorable(alias, key, _upcast(projector, found[1], state))
    draft = Draft(
        projector.entity,
        stream,
        projector.subject(key, state),
        RESTORED,
        projector.schema,
        state,
        head_of(found[0], {}),
    )
    written = append(alias, [draft])[0]
    if written is None:
        raise StoreError(f"{stream} was written by another process meanwhile.")
    try:
        projector.insert(alias, key, written.head, written.blob)
    except IntegrityError:
        # The database's own words may quote the row.
        raise RestoreRefused(
            f"{stream}: its key, or a value of it that must be unique, is another's now."
        ) from None
    return found[0], list(cause.get("along", ()))


def address(model: Any, pk: Any, using: str | None) -> tuple[Projector, Any, str]:
    """Who is meant by an instance, or by a model class and a key: projector, key, alias.

    Raises:
        StoreError: the model is not event-sourced, or there is no key.
    """
    projector = projector_of(model)
    if isinstance(model, type):
        if pk is None:
            raise StoreError("Name the entity: pass pk= together with the model class.")
        return projector, pk, using or router.db_for_read(model)
    key = model.pk if pk is None else pk
    if key is None:
        raise StoreError("The instance has no primary key.")
    return projector, key, using or model._state.db or router.db_for_read(type(model))


def _drop_destroyed(alias: str, found: Iterable[EventRecord]) -> None:
    # Another process may have destroyed a key that this one still has in memory.
    keyring(alias).drop_destroyed({record.key_id.bytes for record in found})


def _opened(alias: str, record: EventRecord) -> tuple[State | None, State, bool]:
    try:
        state, cause = open_record(alias, record)
    except KeyDestroyed:
        return None, {}, False
    return state, cause, True


def _upcast(projector: Projector, record: EventRecord, state: State) -> State:
    return projector.upcast(head_of(record, state)).state
