"""Changing entities: ``save()`` of a loaded instance and ``QuerySet.update()``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ..errors import ConcurrentUpdate, SealBroken
from ..store.event_sql import hold_table, stands_in_log
from ..transactions import one_transaction
from .assigning import Row, assigned_rows, evaluated_rows
from .binding import Binding, Opened
from .columns import Values
from .expecting import refuse_expectation
from .projection import select_head
from .record import Change, record
from .snapshot import Snapshot, set_snapshot, snapshot_of, values_then

BATCH = 500
_TRIES = 100


def update_instance(
    binding: Binding, alias: str, obj: Any, pk: Any, wanted: dict[str, Any]
) -> bool:
    """What ``save()`` does for a row that may exist.

    The fields that this instance changed since it was loaded win; all others are taken from the
    newest head and copied onto the instance.

    Args:
        binding: the model whose table is written.
        alias: database alias.
        obj: the instance.
        pk: its primary key.
        wanted: attname to value, after ``pre_save``, of the fields that are saved.

    Returns:
        False if there is no such row.

    Raises:
        ConcurrentUpdate: ``save(expected_version=n)`` met another version.
    """
    connection = connections[alias]
    if connection.vendor == "postgresql":
        # Each try is one statement; a transaction around it would only cost its round trips.
        return _update_instance(binding, connection, obj, pk, wanted)
    with one_transaction(connection):
        return _update_instance(binding, connection, obj, pk, wanted)


def _update_instance(
    binding: Binding, connection: BaseDatabaseWrapper, obj: Any, pk: Any, wanted: dict[str, Any]
) -> bool:
    alias = connection.alias
    snapshot = snapshot_of(obj, binding)
    if snapshot is not None and snapshot.pk != pk:
        snapshot = None
    if snapshot is not None and snapshot.alias != alias:
        # Loaded from a replica of this database: its log holds what the instance stands on. That of
        # any other database does not.
        snapshot = _standing(binding, alias, snapshot)
    expected = obj._state.__dict__.get("sealed_expected_version")
    old = snapshot.opened if snapshot else None
    if old is None or any(hasattr(value, "resolve_expression") for value in wanted.values()):
        old = _read(binding, alias, pk)
        if old is None:
            return refuse_expectation(obj)
    surmised = snapshot is not None
    made = Values(binding, connection)
    changed = _changed(binding, wanted, snapshot, made)
    for _ in range(_TRIES):
        if surmised and snapshot is not None and old.blob != snapshot.opened.blob:
            # What the instance stands on may have been rolled back; then it is to be written again.
            surmised = False
            snapshot = _standing(binding, alias, snapshot)
            changed = _changed(binding, wanted, snapshot, made)
        if expected is not None and old.head.version != expected:
            raise ConcurrentUpdate(
                f"{binding.stream(pk)} is at version {old.head.version}, not {expected}."
            )
        settled = made.changed(_settle(binding, alias, pk, old, changed), old.head.state)
        change = Change(pk, old, settled)
        new = record(binding, alias, [change], values=made)[0] if settled else None
        if new is not None:
            if snapshot is not None and snapshot.of_head and old is snapshot.opened:
                _adopt_own(binding, obj, new, snapshot, changed)
            else:
                _adopt(binding, alias, obj, pk, new, snapshot, changed)
            return True
        fresh = _read(binding, alias, pk)
        if fresh is None:
            return refuse_expectation(obj)
        if fresh.blob == old.blob:
            if settled:
                raise _behind(binding, pk)
            _adopt(binding, alias, obj, pk, fresh, snapshot, changed)
            return True
        old = fresh
    raise ConcurrentUpdate(f"{binding.stream(pk)} changed on each of {_TRIES} tries to save it.")


def _read(binding: Binding, alias: str, pk: Any) -> Opened | None:
    blob = select_head(binding, alias, pk)
    return None if blob is None else binding.open(alias, pk, blob)


def _standing(binding: Binding, alias: str, snapshot: Snapshot) -> Snapshot | None:
    """The newest of what the instance knows that is in the log; None if all was rolled back."""
    stream = binding.stream(snapshot.pk)
    for known in (snapshot, *snapshot.earlier):
        head = known.opened.head
        if stands_in_log(alias, stream, head.version, head.digest):
            return known
    return None


def _behind(binding: Binding, pk: Any) -> SealBroken:
    return SealBroken(binding.stream(pk), "its row does not hold the newest head of its log")


def _changed(
    binding: Binding, wanted: dict[str, Any], snapshot: Snapshot | None, made: Values
) -> dict[str, Any]:
    loaded = values_then(snapshot, binding)
    changed = {}
    for attname, value in wanted.items():
        if attname not in loaded or hasattr(value, "resolve_expression"):
            changed[attname] = value
            continue
        then, codec = loaded[attname], binding.codecs[attname]
        if value is then and not codec.mutable:
            continue
        if made.primitive(attname, value) != codec.encode(then):
            changed[attname] = value
    return changed


def _settle(
    binding: Binding, alias: str, pk: Any, old: Opened, changed: dict[str, Any]
) -> dict[str, Any]:
    """Turn expressions among the values into values, against the row as it is now."""
    if not changed:
        return changed
    expressions = {n: v for n, v in changed.items() if hasattr(v, "resolve_expression")}
    if not expressions:
        return changed
    settled = dict(changed)
    queryset = binding.model._base_manager.using(alias).filter(pk=pk)
    (_, _, values) = next(iter(evaluated_rows(binding, alias, queryset, expressions)))
    settled.update(values)
    return settled


def _adopt(
    binding: Binding,
    alias: str,
    obj: Any,
    pk: Any,
    opened: Opened,
    snapshot: Snapshot | None,
    saved: dict[str, Any],
) -> None:
    """Let the instance stand on the new head; what others changed is copied onto it."""
    current = binding.values(opened.head.state)
    loaded = values_then(snapshot, binding)
    baseline = dict(current)
    of_head = True
    attributes = obj.__dict__
    for attname, value in current.items():
        if attname in saved or attname not in attributes:
            continue
        if attname not in loaded:
            continue
        mine, then = attributes[attname], loaded[attname]
        if mine is then or mine == then:
            if value != then:
                codec = binding.codecs[attname]
                if codec.mutable:  # not the one that changes are told by
                    value = binding.value(codec, opened.head.state)
                setattr(obj, attname, value)
        else:  # changed here, but not part of this save: it stays a pending change
            baseline[attname] = then
            of_head = False
    setattr(obj, binding.head_field.attname, opened.blob)
    for companion, source in binding.companions:
        value = current[source.attname]
        unchanged = source.attname in loaded and loaded[source.attname] == value
        if companion.attname in attributes and not unchanged:
            setattr(obj, companion.attname, companion.column_value(value, alias))
    now = Snapshot(alias, pk, opened, baseline, _earlier(snapshot), of_head)
    set_snapshot(obj, binding, now)


def _adopt_own(
    binding: Binding, obj: Any, opened: Opened, snapshot: Snapshot, saved: dict[str, Any]
) -> None:
    """As ``_adopt``, on a head that follows the one whose values the instance was known to have.

    Nobody else wrote in between: nothing is to be copied, and only what was saved is another.
    """
    state = opened.head.state
    baseline = dict(values_then(snapshot, binding))
    for attname in saved:
        baseline[attname] = binding.value(binding.codecs[attname], state)
    setattr(obj, binding.head_field.attname, opened.blob)
    for companion, source in binding.companions:
        if source.attname in saved and companion.attname in obj.__dict__:
            value = companion.column_value(baseline[source.attname], snapshot.alias)
            setattr(obj, companion.attname, value)
    now = Snapshot(snapshot.alias, snapshot.pk, opened, baseline, _earlier(snapshot), of_head=True)
    set_snapshot(obj, binding, now)


def _earlier(snapshot: Snapshot | None) -> tuple[Snapshot, ...]:
    # The one before, and the first of all: enough to fall back on after a rollback.
    if snapshot is None:
        return ()
    known = (snapshot.alias, snapshot.pk, snapshot.opened, snapshot.values)
    return (Snapshot(*known, of_head=snapshot.of_head), *snapshot.earlier[-1:])


def update_rows(
    binding: Binding,
    queryset: Any,
    values: dict[str, Any],
    per_row: dict[str, dict[str, Any]] | None = None,
) -> int:
    """What ``QuerySet.update()`` and ``bulk_update()`` do: one event per row that changes.

    Args:
        binding: the model.
        queryset: the rows, unsliced.
        values: attname to new value; expressions over plain columns are evaluated by the database,
            expressions that touch sealed fields in Python.
        per_row: further values for single rows, by the text of their primary key.

    Returns:
        The number of rows that matched.
    """
    alias = queryset.db
    matched = 0
    with transaction.atomic(using=alias, savepoint=False):
        hold_table(connections[alias], binding.model._meta.db_table, str(binding.pk.column))
        pending, raw = assigned_rows(binding, alias, queryset, values, per_row)
        matched = len(pending)
        for _ in range(_TRIES):
            lost: list[Any] = []
            for start in range(0, len(pending), BATCH):
                lost.extend(_write(binding, alias, pending[start : start + BATCH], raw))
            if not lost:
                return matched
            refused = {pk: opened.blob for pk, opened, _ in pending}
            again = queryset.filter(pk__in=lost)
            pending, raw = assigned_rows(binding, alias, again, values, per_row)
            for pk, opened, _ in pending:
                if refused[pk] == opened.blob:
                    raise _behind(binding, pk)
            matched -= len(lost) - len(pending)
    raise ConcurrentUpdate(f"{binding.entity}: rows changed on each of {_TRIES} tries to update.")


def _write(binding: Binding, alias: str, rows: Sequence[Row], raw: bool) -> list[Any]:
    made = Values(binding, connections[alias])
    changes = []
    for pk, old, values in rows:
        changed = made.changed(values, old.head.state)
        if changed:
            changes.append(Change(pk, old, changed, raw=raw))
    if not changes:
        return []
    written = record(binding, alias, changes, values=made)
    return [change.pk for change, new in zip(changes, written, strict=True) if new is None]


def write_changes(
    binding: Binding, alias: str, build: Callable[[list[Any]], list[Change]], pks: list[Any]
) -> None:
    """Record changes until no writer came in between.

    Args:
        binding: the model.
        alias: database alias.
        build: makes the changes for some primary keys from their newest heads.
        pks: primary keys.
    """
    with transaction.atomic(using=alias, savepoint=False):
        refused: dict[Any, bytes] = {}
        for _ in range(_TRIES):
            changes = build(pks)
            for change in changes:
                if refused.get(change.pk) == change.old.blob:
                    raise _behind(binding, change.pk)
            refused = {change.pk: change.old.blob for change in changes}
            written = record(binding, alias, changes) if changes else []
            pks = [c.pk for c, new in zip(changes, written, strict=True) if new is None]
            if not pks:
                return
    raise ConcurrentUpdate(f"{binding.entity}: rows changed on each of {_TRIES} tries.")
