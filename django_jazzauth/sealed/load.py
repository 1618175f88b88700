"""From a row to an instance: values come from the head, columns are checked against it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models import DEFERRED, Model
from django.db.models.base import ModelState
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init, pre_init
from django.utils import timezone

from ..conf import get_settings
from ..errors import SealBroken
from ..store.sealing import Head
from .binding import Binding, Opened, binding_of, loading_binding
from .codec import FieldCodec
from .compact import Shape, Unpackable, is_constant, packed
from .comparing import agrees, differing
from .kinds import SealedKind
from .memo import memo
from .projection import select_head
from .snapshot import Snapshot, set_snapshot

_OWN_LOADER = f"{__package__}.model"
logger = logging.getLogger("django_jazzauth.sealed")


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to read rows of one class with one list of columns.

    ``untold`` are the places of columns whose values do not come from the head.
    """

    cls: Any
    binding: Binding
    names: tuple[str, ...]
    head: int | None
    pk: int
    columns: tuple[tuple[int, FieldCodec, Any], ...]
    folded: tuple[tuple[int, Any, str], ...]
    fast: bool
    hooked: bool
    parents: tuple[Any, ...]
    untold: frozenset[int]
    mutable: tuple[FieldCodec, ...]
    attributes: Shape
    state: Shape


def is_own_loader(function: Any) -> bool:
    """Whether a model's ``from_db`` is the one of event-sourced models."""
    return bool(getattr(function, "__func__", function).__module__ == _OWN_LOADER)


@lru_cache(maxsize=1024)
def _plan(cls: Any, names: tuple[str, ...], parent: Any = None) -> _Plan:
    binding = loading_binding(cls if parent is None else parent)
    if binding is None:
        raise TypeError(f"{cls._meta.label} is not event-sourced.")
    place = {name: index for index, name in enumerate(names)}
    columns = []
    for attname, codec in binding.codecs.items():
        if attname in place:
            sealed = codec.field if isinstance(codec.field, SealedKind) else None
            columns.append((place[attname], codec, sealed))
    told = {index for index, _, _ in columns}
    return _Plan(
        cls=cls,
        binding=binding,
        names=names,
        head=place.get(binding.head_field.attname),
        pk=place[binding.pk.attname if binding.pk.attname in place else cls._meta.pk.attname],
        columns=tuple(columns),
        folded=tuple(
            (place[field.attname], field, source.attname)
            for field, source in binding.companions
            if field.attname in place
        ),
        fast=cls.__init__ is Model.__init__
        and all(isinstance(getattr(cls, name, None), DeferredAttribute) for name in names),
        hooked=not is_own_loader(cls.from_db),
        parents=tuple(p for p in cls._meta.all_parents if binding_of(p) not in (None, binding)),
        untold=frozenset(range(len(names))) - told,
        mutable=tuple(codec for _, codec, _ in columns if codec.mutable),
        attributes=Shape(),
        state=Shape(),
    )


@dataclass(slots=True)
class _Entry:
    """A checked row: what its instances start from."""

    attributes: dict[str, Any] = field(repr=False)
    opened: Opened
    baseline: dict[str, Any] = field(repr=False)
    broken: bool


def load_instance(cls: Any, db: str, names: Any, values: Any) -> Any:
    """Build an instance of ``cls`` from a row.

    Args:
        cls: the model class; may be a proxy.
        db: database alias.
        names: attnames of the columns.
        values: what the columns hold; sealed columns as the database holds them.

    Raises:
        SealBroken: a column differs from the head, or the head belongs elsewhere.
    """
    names = tuple(names)
    values = tuple(values)
    plan = _plan(cls, names)
    entry = _entry(plan, cls, db, values)
    fast = plan.fast and not _watched(cls)
    if not plan.parents:
        return _instance(cls, db, plan, entry, fast)
    # Each table of the inheritance has heads of its own.
    plans = [_plan(cls, names, parent) for parent in plan.parents]
    entries = [_entry(each, cls, db, values) for each in plans]
    attributes = dict(entry.attributes)
    for each, own in zip(plans, entries, strict=True):
        attributes |= {c.attname: own.attributes[c.attname] for _, c, _ in each.columns}
    instance = _instance(cls, db, plan, replace(entry, attributes=attributes), fast)
    for each, own in zip(plans, entries, strict=True):
        _give_own(instance, each, own)
        snapshot = Snapshot(db, values[each.pk], own.opened, own.baseline, of_head=True)
        set_snapshot(instance, each.binding, snapshot)
    return instance


def _entry(plan: _Plan, cls: Any, db: str, values: tuple[Any, ...]) -> _Entry:
    try:
        key = (cls, plan.binding.entity, db, _zone(connections[db]), plan.names, values)
        entry: _Entry | None = memo.get(key)
    except TypeError:  # a plain column holds something unhashable, such as JSON
        return _check(plan, cls, db, values)
    if entry is None:
        entry = _check(plan, cls, db, values)
        if not entry.broken:
            memo.put(key, entry)
    return entry


Convert = Callable[[Any, Sequence[Any], frozenset[int] | None], list[Any]]
"""Turns a driver's row, or the places that are named, into what a queryset would pass on."""


def row_loader(
    cls: Any, connection: Any, names: tuple[str, ...], convert: Convert
) -> Callable[[Sequence[Any]], Any]:
    """A function that builds instances of ``cls`` from rows as the driver gives them.

    Args:
        cls: the model class; may be a proxy.
        connection: where they come from.
        names: attnames of the columns.
        convert: called only for a row that was not seen before.

    Returns:
        The function; it raises as ``load_instance`` does.
    """
    plan = _plan(cls, names)
    zone = _zone(connection)
    fast = plan.fast and not _watched(cls)
    return lambda row: _load(cls, connection, plan, zone, fast, convert, row)


def load_row(
    cls: Any, connection: Any, names: tuple[str, ...], convert: Convert, row: Sequence[Any]
) -> Any:
    """Build one instance; see ``row_loader``."""
    return row_loader(cls, connection, names, convert)(row)


def _load(
    cls: Any, connection: Any, plan: _Plan, zone: str, fast: bool, convert: Convert, row: Any
) -> Any:
    db, head = connection.alias, plan.head
    if plan.hooked or head is None:  # a from_db() of the project's own
        return cls.from_db(db, plan.names, convert(connection, row, None))
    key = None
    entry: _Entry | Opened | None = None
    try:
        key = _key(cls, db, zone, packed(row, head))
        entry = memo.get(key)
    except Unpackable:  # a plain column holds something that is not looked up, such as JSON
        pass
    if type(entry) is not _Entry or entry.opened.blob != row[head]:
        known = entry if type(entry) is Opened and entry.blob == row[head] else None
        entry = _entry_of_row(plan, connection, convert, row, key, known)
    return _instance(cls, db, plan, entry, fast)


def _entry_of_row(
    plan: _Plan, connection: Any, convert: Convert, row: Any, key: Any, known: Opened | None
) -> _Entry:
    """Make an entry and keep it by ``key``; ``known`` is the head of a row that we wrote."""
    try:
        values = tuple(convert(connection, row, None if known is None else plan.untold))
    except (TypeError, ValueError, ArithmeticError):
        raise SealBroken(
            plan.binding.entity, "a row holds a value that its column cannot have"
        ) from None
    if known is None:
        entry = _check(plan, plan.cls, connection.alias, values)
    else:
        entry = _made(plan, values, known, plan.binding.values(known.head.state))
    if key is None or entry.broken or not is_constant(row):
        return entry
    entry = _compact(plan, entry, key[-1])
    memo.put(key, entry)
    return entry


def _compact(plan: _Plan, entry: _Entry, row: bytes | None) -> _Entry:
    """An entry as it is kept. It says what row it belongs to, if that is the model's own."""
    opened, head = entry.opened, entry.opened.head
    whole = entry.baseline is entry.attributes
    attributes = plan.attributes.shared(entry.attributes)
    state = plan.state.shared(head.state)
    return _Entry(
        attributes,
        Opened(
            opened.stream,
            Head(head.version, head.schema, head.digest, head.recorded_at, state),
            opened.blob,
            opened.row or row,
        ),
        attributes if whole else entry.baseline,
        broken=False,
    )


def remember_written(
    binding: Binding, connection: Any, opened: Opened, before: bytes | None = None
) -> None:
    """Recognise a row that this process wrote when it is read.

    Its columns were made from its head: where just these values come back, nothing has to be opened
    and compared. What else comes back is opened and compared as ever.

    Args:
        binding: the model.
        connection: where it was written.
        opened: its head, with the row.
        before: the row as it was until then.
    """
    if before is not None:
        forget_row(binding, connection, before)
    if opened.row is not None:
        memo.put(_key(binding.model, connection.alias, _zone(connection), opened.row), opened)


def forget_row(binding: Binding, connection: Any, row: bytes) -> None:
    """Make room in memory: a row was deleted, or is another now.

    Args:
        binding: the model.
        connection: where it stood.
        row: as ``Opened.row`` has it.
    """
    memo.drop(_key(binding.model, connection.alias, _zone(connection), row))


def _key(cls: Any, db: str, zone: str, row: bytes) -> tuple[Any, ...]:
    return (cls, db, zone, row)


def _zone(connection: Any) -> str:
    # Naive times depend on the zone that was active when they were read. Without USE_TZ, a
    # connection has none.
    return timezone.get_current_timezone_name() if connection.timezone is None else ""


def _check(plan: _Plan, cls: Any, db: str, values: tuple[Any, ...]) -> _Entry:
    binding = plan.binding
    pk = values[plan.pk]
    try:
        stream = binding.stream(pk)
    except (ValidationError, TypeError, ValueError):
        raise SealBroken(binding.entity, "a row's primary key is none") from None
    blob = (
        values[plan.head] if plan.head is not None else select_head(binding, db, pk, current=True)
    )
    if blob is None:
        raise SealBroken(stream, "its row has no head, or not the newest one of its log")
    opened = binding.open_at(db, stream, blob)
    state_values = binding.values(opened.head.state)
    broken = differing(plan.columns, plan.folded, db, values, opened, state_values)
    if broken:
        _refuse(stream, broken)
    return _made(plan, values, opened, state_values, bool(broken))


def _made(
    plan: _Plan,
    values: tuple[Any, ...],
    opened: Opened,
    state_values: dict[str, Any],
    broken: bool = False,
) -> _Entry:
    attributes = dict(zip(plan.names, values, strict=True))
    for _, codec, _sealed in plan.columns:
        attributes[codec.attname] = state_values[codec.attname]
    whole = len(plan.columns) == len(plan.binding.codecs) and not plan.parents
    return _Entry(
        attributes=attributes,
        opened=opened,
        # Only names are looked up in it: one dictionary instead of two, where one has them all.
        baseline=attributes if whole else state_values,
        broken=broken,
    )


def _refuse(stream: str, broken: Sequence[str]) -> None:
    error = SealBroken(stream, f"columns differ from the head: {', '.join(broken)}")
    if get_settings().TAMPERED != "report":
        raise error
    logger.error("%s", error)


def check_columns(
    binding: Binding, pk: Any, opened: Opened, columns: Iterable[tuple[FieldCodec, Any]]
) -> None:
    """Check single plain columns of a row against its head.

    Raises:
        SealBroken: one of them was changed.
    """
    values = binding.values(opened.head.state)
    broken = [
        codec.name
        for codec, value in columns
        if not agrees(codec, value, values[codec.attname], opened)
    ]
    if broken:
        _refuse(binding.stream(pk), broken)


def inspect_row(cls: Any, db: str, names: tuple[str, ...], values: Any) -> tuple[Opened, list[str]]:
    """Open a row's head and name the columns that differ from it, for ``verify``.

    Args:
        cls: the model class.
        db: database alias.
        names: attnames of all its columns.
        values: what the columns hold, converted.

    Raises:
        SealBroken: the head does not open.
    """
    plan = _plan(cls, names)
    if plan.head is None:
        raise TypeError("inspect_row() needs the head among the columns.")
    opened = plan.binding.open(db, values[plan.pk], values[plan.head])
    state_values = plan.binding.values(opened.head.state)
    return opened, differing(plan.columns, plan.folded, db, values, opened, state_values)


def _instance(cls: Any, db: str, plan: _Plan, entry: _Entry, fast: bool) -> Any:
    if fast:
        # What Model.__init__ does, without its loop over the fields.
        instance = cls.__new__(cls)
        attributes = instance.__dict__
        state: Any = ModelState()
        attributes["_state"] = state
        attributes.update(entry.attributes)
    else:
        loaded = [entry.attributes.get(f.attname, DEFERRED) for f in cls._meta.concrete_fields]
        instance = cls(*loaded)
        state = instance._state
    baseline = entry.baseline
    _give_own(instance, plan, entry)
    state.adding = False
    state.db = db
    pk = entry.attributes[plan.binding.pk.attname]
    state.sealed = Snapshot(db, pk, entry.opened, baseline, of_head=True)
    return instance


def _give_own(instance: Any, plan: _Plan, entry: _Entry) -> None:
    for codec in plan.mutable:
        instance.__dict__[codec.attname] = plan.binding.value(codec, entry.opened.head.state)


def _watched(cls: Any) -> bool:
    # Mostly nothing is connected at all, and that is quickly seen.
    return bool(pre_init.receivers or post_init.receivers) and (
        pre_init.has_listeners(cls) or post_init.has_listeners(cls)
    )
