"""Where every write goes through: append the events, then move the rows to their new heads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ..errors import ConcurrentUpdate, SealBroken
from ..store.event_sql import RowWrite, hold_writer_lock, last_events
from ..store.journal import (
    CREATED,
    DELETED,
    ENDED,
    UPDATED,
    Draft,
    Written,
    append,
    append_with_row,
    last_heads,
)
from ..store.sealing import Head, State
from ..transactions import one_transaction
from .binding import Binding, Opened
from .columns import Column, Values, columns_for
from .ending import Ending
from .load import remember_written
from .projection import Swap, hold_rows, select_heads, swap_after, swap_heads
from .read_plan import read_plan
from .resealing import swap_resealed

_TRIES = 100
_NEVER = (0, b"", 0, DELETED)


@dataclasses.dataclass(slots=True)
class Change:
    """One row's change.

    Attributes:
        pk: primary key.
        old: the head that the change was made against.
        values: attname to new Python value of the fields that change.
        members: many-to-many field name to the primary keys it has from now on.
        raw: the primary key is as the driver gave it.
    """

    pk: Any
    old: Opened
    values: dict[str, Any] = dataclasses.field(repr=False)
    members: dict[str, list[Any]] | None = None
    raw: bool = False


def record(
    binding: Binding,
    alias: str,
    changes: Sequence[Change],
    type_: str = UPDATED,
    values: Values | None = None,
) -> list[Opened | None]:
    """Append one event per change and move the rows along, in one transaction.

    Args:
        binding: the model.
        alias: database alias.
        changes: at most one per row.
        type_: of the events.
        values: what was made of the new values already.

    Returns:
        For each change the row's new head, or None when another writer was faster: nothing was
        written for it; read the row again and decide anew.

    Raises:
        SealBroken: a row's head is not the newest event of its stream.
    """
    connection = connections[alias]
    values = values or Values(binding, connection)
    drafts = [_draft(binding, change, type_, values) for change in changes]
    names = frozenset(changes[0].values)
    if len(changes) > 1:
        names = names.union(*[change.values for change in changes])
    columns, fields = columns_for(binding, names)
    raw = changes[0].raw

    def row(change: Change, event: Written) -> Swap:
        params = values.params(columns, change.values, event.head.state)
        return change.pk, change.old.blob, event.blob, params

    together = None
    if len(changes) == 1 and connection.vendor == "postgresql":
        with transaction.mark_for_rollback_on_error(using=alias):
            together = append_with_row(
                alias,
                drafts[0],
                lambda event: swap_after(binding, alias, fields, row(changes[0], event), raw=raw),
            )
        if together is not None and together[1]:
            swap = row(changes[0], together[0])
            return [_standing(binding, connection, changes[0], columns, swap, together[0])]
    with one_transaction(connection):
        hold_writer_lock(connection)
        if connection.vendor == "postgresql":
            hold_rows(binding, connection, [change.pk for change in changes], raw=raw)
        written = append(alias, drafts) if together is None else [together[0]]
        rows = [
            row(change, event)
            for change, event in zip(changes, written, strict=True)
            if event is not None
        ]
        if rows and swap_heads(binding, connection, fields, rows, raw=raw) != len(rows):
            olds = {binding.pk_text(change.pk): change.old.head for change in changes}
            if not swap_resealed(binding, alias, fields, rows, olds):
                raise _drifted(binding, alias, rows)
    if len(changes) == 1 and written[0] is not None:
        return [_standing(binding, connection, changes[0], columns, rows[0], written[0])]
    return [_opened(draft, event) for draft, event in zip(drafts, written, strict=True)]


def _standing(
    binding: Binding,
    connection: BaseDatabaseWrapper,
    change: Change,
    columns: Sequence[Column],
    swap: Swap,
    event: Written,
) -> Opened:
    """The new head of a row that was changed alone; the row is recognised when it is read."""
    stream, before = change.old.stream, change.old.row
    if before is None:
        return Opened(stream, event.head, event.blob)
    row = [*before]
    places = read_plan(binding, connection).places
    for column, param in zip(columns, swap[3], strict=True):
        row[places[column.attname]] = param
    row[binding.head_index] = event.blob
    opened = Opened(stream, event.head, event.blob, tuple(row))
    remember_written(binding, connection, opened, before)
    return opened


def record_created(
    binding: Binding, alias: str, rows: Sequence[tuple[Any, State, str]]
) -> list[Opened]:
    """Append the first event of new entities, or the next one where a stream was used before.

    Args:
        binding: the model.
        alias: database alias; the caller holds a transaction on it.
        rows: per entity: primary key, state, subject.
    """
    drafts = [_first_draft(binding, *row) for row in rows]
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
    opened = [_opened(draft, event) for draft, event in zip(drafts, written, strict=True)]
    if None in opened:
        raise SealBroken(binding.entity, "another writer created the same entity")
    return opened  # type: ignore[return-value]


def record_created_with_row(
    binding: Binding,
    alias: str,
    entity: tuple[Any, State, str],
    write: Callable[[Written], RowWrite],
) -> Opened | None:
    """Append the first event of a new entity and write its row in the same statement (PostgreSQL).

    Args:
        binding: the model.
        alias: database alias; no transaction has to be open.
        entity: primary key, state, subject.
        write: makes the statement of the row.

    Returns:
        The row's head; None if nothing was written: ``record_created`` knows what to do then.
    """
    draft = _first_draft(binding, *entity)
    found = append_with_row(alias, draft, write)
    return None if found is None else _opened(draft, found[0])


def _first_draft(binding: Binding, pk: Any, state: State, subject: str) -> Draft:
    stream = binding.stream(pk)
    return Draft(
        binding.entity, stream, subject, CREATED, binding.schema, state, fresh=subject == stream
    )


def record_deleted(binding: Binding, alias: str, endings: Sequence[Ending]) -> None:
    """Append the events that end entities, after their rows are gone.

    Args:
        binding: the model.
        alias: database alias; the caller holds a transaction on it.
        endings: the entities. Where the head that was seen is stale, the event does not go in,
            and the log is asked.
    """
    for _ in range(_TRIES):
        unknown = [ending.stream for ending in endings if ending.seen is None]
        last = last_events(alias, unknown) if unknown else {}
        drafts = []
        for ending in endings:
            previous = ending.seen
            if previous is None:
                version, digest, recorded_at, type_ = last.get(ending.stream, _NEVER)
                if type_ in ENDED:
                    continue  # somebody else was faster, or it never was
                previous = Head(version, 0, digest, recorded_at, {})
            drafts.append(
                Draft(
                    binding.entity,
                    ending.stream,
                    ending.subject,
                    DELETED,
                    binding.schema,
                    None,
                    previous,
                    along=ending.along,
                )
            )
        written = append(alias, drafts) if drafts else []
        refused = [draft for draft, event in zip(drafts, written, strict=True) if event is None]
        if not refused:
            return
        endings = [Ending(d.stream, d.subject, None, along=[*d.along]) for d in refused]
    raise ConcurrentUpdate(f"{endings[0].stream} changed on each of {_TRIES} tries to delete it.")


def _draft(binding: Binding, change: Change, type_: str, values: Values) -> Draft:
    state = dict(change.old.head.state)
    for attname, value in change.values.items():
        state[binding.codecs[attname].name] = values.primitive(attname, value)
    if change.members:
        state |= change.members
    return Draft(
        binding.entity,
        change.old.stream,
        binding.subject_of(change.pk, change.old.stream, state),
        type_,
        binding.schema,
        state,
        change.old.head,
    )


def _opened(draft: Draft, event: Written | None) -> Opened | None:
    return None if event is None else Opened(draft.stream, event.head, event.blob)


def _drifted(binding: Binding, alias: str, rows: Sequence[Swap]) -> SealBroken:
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
