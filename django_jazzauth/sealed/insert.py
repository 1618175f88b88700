"""Creating entities: what ``save()`` and ``bulk_create()`` do for new rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import DatabaseDefault
from msgspec.structs import replace

from ..drivers import execute, execute_all
from ..errors import NotJournalled
from ..store.event_sql import RowWrite, hold_writer_lock
from ..store.journal import Written
from ..transactions import one_transaction
from .binding import Binding, Opened
from .columns import row_insert
from .compact import packed_as_read
from .evaluate import evaluate
from .expecting import refuse_expectation
from .kinds import SealedKind
from .load import remember_written
from .members import sync_members
from .projection import CHUNK, next_pks, swap_heads
from .record import encode_state, record_created, record_created_with_row
from .saving_plan import saving_plan
from .snapshot import Snapshot, set_snapshot

PLAIN = frozenset((str, bool, type(None), int, datetime, UUID))
"""Types of values that are never expressions."""


def insert_objects(
    binding: Binding, alias: str, objs: Sequence[Any], fields: Sequence[Any], raw: bool
) -> None:
    """Insert instances and append their first events.

    Args:
        binding: the model whose table is written.
        alias: database alias.
        objs: instances (of the model or of a child table's model).
        fields: the concrete fields that Django would insert.
        raw: values are taken as they are, as ``loaddata`` wants it.
    """
    names = saving_plan(binding).deciding
    if names and not raw:
        # What a field does not decide anew is there already.
        changing = [field for field in fields if field.attname in names]
        for obj in objs:
            for field in changing:
                setattr(obj, field.attname, field.pre_save(obj, True))
    for obj in objs:
        refuse_expectation(obj)
    connection = connections[alias]
    if len(objs) == 1 and not raw and connection.vendor == "postgresql":
        with transaction.mark_for_rollback_on_error(using=alias):
            if _insert_together(binding, alias, objs[0]):
                return
    with one_transaction(connection):
        hold_writer_lock(connection)
        missing = [obj for obj in objs if getattr(obj, binding.pk.attname) is None]
        if missing:
            reserved = next_pks(binding, alias, len(missing))
            if reserved is None:
                _insert_then_seal(binding, alias, missing)
                known = {id(obj) for obj in missing}
                objs = [obj for obj in objs if id(obj) not in known]
            else:
                for obj, pk in zip(missing, reserved, strict=True):
                    setattr(obj, binding.pk.attname, pk)
        try:
            for start in range(0, len(objs), CHUNK):
                _seal_then_insert(binding, connection, objs[start : start + CHUNK])
        except BaseException:
            for obj in missing:
                setattr(obj, binding.pk.attname, None)
            raise
        if raw:  # a fixture may have brought member rows before their entity
            pks = {getattr(obj, binding.pk.attname) for obj in (*objs, *missing)}
            for field in binding.members:
                sync_members(field.remote_field.through, alias, pks)


def _values(binding: Binding, alias: str, obj: Any) -> dict[str, Any]:
    """An instance's values by attname; an event holds values, so that expressions become some."""
    values = {attname: getattr(obj, attname) for attname in binding.codecs}
    for attname, value in values.items():
        if type(value) not in PLAIN and hasattr(value, "resolve_expression"):
            values[attname] = settled = _settled(binding, alias, attname, value)
            setattr(obj, attname, settled)
    return values


def _seal_then_insert(
    binding: Binding, connection: BaseDatabaseWrapper, objs: Sequence[Any]
) -> None:
    if not objs:
        return
    alias = connection.alias
    rows = []
    for obj in objs:
        pk = getattr(obj, binding.pk.attname)
        values = _values(binding, alias, obj)
        rows.append((pk, encode_state(binding, values), binding.subject(pk, values)))
    heads = record_created(binding, alias, rows)
    insert = row_insert(binding, connection)
    params = [
        insert.params(obj, state, head.blob, connection)
        for obj, (_, state, _), head in zip(objs, rows, heads, strict=True)
    ]
    execute_all(connection, insert.sql, params)
    if len(objs) == 1 and insert.is_whole:  # one that is soon read again, as those of a batch not
        heads = [_remembered(binding, connection, heads[0], params[0])]
    for obj, head in zip(objs, heads, strict=True):
        adopt(binding, alias, obj, head)


def _remembered(
    binding: Binding, connection: BaseDatabaseWrapper, opened: Opened, params: Sequence[Any]
) -> Opened:
    row = packed_as_read(connection.vendor, params, binding.head_index)
    opened = replace(opened, row=row)
    remember_written(binding, connection, opened)
    return opened


def _insert_together(binding: Binding, alias: str, obj: Any) -> bool:
    """Insert one instance along with its first event; False if that has to be done in steps."""
    pk = getattr(obj, binding.pk.attname)
    if pk is None:
        return False
    connection = connections[alias]
    values = _values(binding, alias, obj)
    state = encode_state(binding, values)
    insert = row_insert(binding, connection)
    params: list[Any] = []

    def row(event: Written) -> RowWrite:
        params[:] = insert.params(obj, state, event.blob, connection)
        return RowWrite(insert.following, params)

    entity = (pk, state, binding.subject(pk, values))
    opened = record_created_with_row(binding, alias, entity, row)
    if opened is None:
        return False
    if insert.is_whole:
        opened = _remembered(binding, connection, opened, params)
    adopt(binding, alias, obj, opened)
    return True


def _insert_then_seal(binding: Binding, alias: str, objs: Sequence[Any]) -> None:
    # MariaDB gives automatic keys at the insert only, and a head is bound to its key: so the row
    # stands with an empty head for a moment, inside this transaction.
    connection = connections[alias]
    insert = row_insert(binding, connection, with_pk=False)
    for obj in objs:
        values = _values(binding, alias, obj)
        state = encode_state(binding, values)
        with connection.cursor() as cursor:
            cursor.execute(insert.sql, insert.params(obj, state, b"", connection))
            pk = cursor.lastrowid
        opened = record_created(binding, alias, [(pk, state, binding.subject(pk, values))])[0]
        swap_heads(binding, connection, [], [(pk, b"", opened.blob, ())])
        setattr(obj, binding.pk.attname, binding.pk.to_python(pk))
        adopt(binding, alias, obj, opened)


def insert_row(
    binding: Binding, alias: str, values: dict[str, Any], state: Any, blob: bytes
) -> None:
    """Write one row whose event stands in the log already.

    Args:
        binding: the model.
        alias: database alias.
        values: attname to Python value, the primary key included.
        state: the primitive state.
        blob: the sealed head.
    """
    connection = connections[alias]
    insert = row_insert(binding, connection)
    execute(
        connection, insert.sql, insert.params(SimpleNamespace(**values), state, blob, connection)
    )


def _settled(binding: Binding, alias: str, attname: str, value: Any) -> Any:
    """The value of an expression that a field of a new row was given."""
    field = binding.codecs[attname].field
    if isinstance(value, DatabaseDefault):
        value = field.db_default
    if isinstance(value, models.Value) or not hasattr(value, "resolve_expression"):
        return getattr(value, "value", value)
    if isinstance(field, SealedKind):
        return evaluate(value, partial(_unavailable, field))
    return _ask_database(alias, field, value)


def _unavailable(field: Any, name: str) -> Any:
    raise NotJournalled(f"{field}: an expression for a new row cannot refer to {name!r}.")


def _ask_database(alias: str, field: Any, expression: Any) -> Any:
    query = models.sql.Query(None)
    query.add_annotation(
        models.ExpressionWrapper(expression, output_field=field), "value", select=True
    )
    return next(iter(query.get_compiler(using=alias).results_iter()))[0]


def adopt(binding: Binding, alias: str, obj: Any, opened: Opened) -> None:
    """Let an instance stand on a head that was just written from its values."""
    setattr(obj, binding.head_field.attname, opened.blob)
    pk = getattr(obj, binding.pk.attname)
    set_snapshot(obj, binding, Snapshot(alias, pk, opened, None, of_head=True))
