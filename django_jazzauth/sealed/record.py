"""Where every write goes through: append the events, then move the rows to their new heads."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections, transaction

from ..errors import ConcurrentUpdate, SealBroken
from ..store.event_sql import hold_writer_lock, last_events
from ..store.journal import CREATED, DELETED, ENDED, UPDATED, Draft, Written, append, last_heads
from ..store.sealing import Head, State
from .binding import Binding, Opened, require_binding
from .kinds import FoldedKind, SealedKind
from .projection import next_pks, select_heads, swap_heads

_TRIES = 100


@dataclasses.dataclass(slots=True)
class Change:
    """One row's change.

    Attributes:
        pk: primary key.
        old: the head that the change was made against.
        values: attname to new Python value of the fields that change.
        members: many-to-many field name to the primary keys it has from now on.
    """

    pk: Any
    old: Opened
    values: dict[str, Any] = dataclasses.field(repr=False)
    members: dict[str, list[Any]] | None = None


def record(
    binding: Binding, alias: str, changes: Sequence[Change], type_: str = UPDATED
) -> list[Opened | None]:
    """Append one event per change and move the rows along, in one transaction.

    Returns:
        For each change the row's new head, or None when another writer was faster: nothing was
        written for it; read the row again and decide anew.

    Raises:
        SealBroken: a row's head is not the newest event of its stream.
    """
    connection = connections[alias]
    drafts = [_draft(binding, change, type_) for change in changes]
    with transaction.atomic(using=alias, savepoint=False):
        hold_writer_lock(connection)
        written = append(alias, drafts)
        fields = _changed_fields(binding, changes)
        rows = []
        for change, draft, event in zip(changes, drafts, written, strict=True):
            if event is not None:
                columns = _columns(binding, alias, fields, change, draft.state or {})
                rows.append((change.pk, change.old.blob, event.blob, columns))
        if rows and swap_heads(binding, alias, fields, rows) != len(rows):
            raise _drifted(binding, alias, rows)
    return [_opened(event) for event in written]


def record_created(
    binding: Binding, alias: str, rows: Sequence[tuple[Any, State, str]]
) -> list[Opened]:
    """Append the first event of new entities, or the next one where a stream was used before.

    Args:
        binding: the model.
        alias: database alias; the caller holds a transaction on it.
        rows: per entity: primary key, state, subject.
    """
    drafts = [
        Draft(
            binding.entity,
            binding.stream(pk),
            subject,
            CREATED,
            binding.schema,
            state,
            fresh=subject == binding.stream(pk),
        )
        for pk, state, subject in rows
    ]
    written = append(alias, drafts)
    if None in written:
        # The key was used before and deleted: its stream goes on.
        taken = [index for index, event in enumerate(written) if event is None]
        previous = last_heads(alias, [drafts[index].stream for index in taken])
        for index in taken:
            drafts[index].previous = previous.get(drafts[index].stream)
            drafts[index].fresh = False
        again = append(alias, [drafts[index] for index in taken])
        for index, event in zip(taken, again, strict=True):
            written[index] = event
    opened = [_opened(event) for event in written]
    if None in opened:
        raise SealBroken(binding.entity, "another writer created the same entity")
    return opened  # type: ignore[return-value]


def record_deleted(
    binding: Binding, alias: str, pk: Any, values: dict[str, Any], seen: Head | None = None
) -> None:
    """Append the event that ends an entity, after its row is gone.

    Args:
        binding: the model.
        alias: database alias.
        pk: primary key of the row.
        values: attname to value, for the subject.
        seen: the newest head as far as the instance knows. If it is stale, the event does not go
            in, and the log is asked.
    """
    stream = binding.stream(pk)
    previous = seen
    for _ in range(_TRIES):
        if previous is None:
            last = last_events(alias, [stream]).get(stream)
            if last is None or last[3] in ENDED:
                return  # somebody else was faster, or it never was
            version, digest, recorded_at, _type = last
            previous = Head(version, 0, digest, recorded_at, {})
        draft = Draft(
            binding.entity,
            stream,
            binding.subject(pk, values),
            DELETED,
            binding.schema,
            None,
            previous,
        )
        if append(alias, [draft])[0] is not None:
            return
        previous = None
    raise ConcurrentUpdate(f"{stream} changed on each of {_TRIES} tries to delete it.")


def reserve_pks(binding: Binding, alias: str, count: int) -> list[int] | None:
    """Automatic keys for new rows, where the database can give them beforehand."""
    return next_pks(binding, alias, count)


def _draft(binding: Binding, change: Change, type_: str) -> Draft:
    head = change.old.head
    state = dict(head.state)
    for attname, value in change.values.items():
        codec = binding.codecs[attname]
        state[codec.name] = codec.encode(value)
    for name, pks in (change.members or {}).items():
        state[name] = pks
    values = {
        attname: codec.decode(state[codec.name]) if state.get(codec.name) is not None else None
        for attname, codec in binding.codecs.items()
        if binding.head_field.subject and codec.name == binding.head_field.subject
    }
    return Draft(
        binding.entity,
        binding.stream(change.pk),
        binding.subject(change.pk, values),
        type_,
        binding.schema,
        state,
        head,
    )


def _changed_fields(binding: Binding, changes: Iterable[Change]) -> list[Any]:
    names = {attname for change in changes for attname in change.values}
    fields = [codec.field for attname, codec in binding.codecs.items() if attname in names]
    return [*fields, *(f for f in binding.folded if f.source.attname in names)]


def _columns(
    binding: Binding, alias: str, fields: Sequence[Any], change: Change, state: State
) -> list[Any]:
    connection = connections[alias]
    columns = []
    for field in fields:
        source = field.source if isinstance(field, FoldedKind) else field
        codec = binding.codecs[source.attname]
        if source.attname in change.values:
            value = change.values[source.attname]
        else:  # another row of the same batch changes it; here it stays
            primitive = state.get(codec.name)
            value = None if primitive is None else codec.decode(primitive)
        columns.append(column_param(field, value, state.get(codec.name), connection))
    return columns


def column_param(field: Any, value: Any, primitive: Any, connection: Any) -> Any:
    """What a column gets: ciphertext, marker, or the plain value as the database takes it."""
    if isinstance(field, FoldedKind):
        return field.column_value(value, connection.alias)
    if isinstance(field, SealedKind):
        return field.column_value(primitive, connection.alias)
    return field.get_db_prep_save(value, connection)


def _opened(event: Written | None) -> Opened | None:
    return None if event is None else Opened(event.head, event.blob)


def _drifted(
    binding: Binding, alias: str, rows: Sequence[tuple[Any, bytes, bytes, Sequence[Any]]]
) -> SealBroken:
    heads = select_heads(binding, alias, [row[0] for row in rows])
    for pk, _, new, _ in rows:
        if heads.get(binding.pk_text(pk)) != new:
            return SealBroken(binding.stream(pk), "its row does not hold the head of its log")
    return SealBroken(binding.entity, "rows changed while they were written")


def encode_state(binding: Binding, values: dict[str, Any], members: State | None = None) -> State:
    """The state of a new entity from its Python values by attname."""
    state = {codec.name: codec.encode(values[attname]) for attname, codec in binding.codecs.items()}
    for field in binding.members:
        state[field.name] = (members or {}).get(field.name, [])
    return state


__all__ = [
    "Change",
    "column_param",
    "encode_state",
    "record",
    "record_created",
    "record_deleted",
    "require_binding",
    "reserve_pks",
]
