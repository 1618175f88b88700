"""One walk over the rows of a table that a migration changed: log and columns are put in step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connections, transaction

from ..errors import StateOutdated
from ..store.sealing import Head
from .binding import Binding, Opened
from .codec import FieldCodec
from .columns import columns_of
from .defaults import has_stable_default
from .kinds import SealedKind
from .projection import swap_heads
from .read_plan import ReadPlan
from .record import Change, record
from .stepping import downcast

BATCH = 500
_NOTHING = object()


@dataclass
class Touched:
    """What a run of operations did to one model.

    Attributes:
        fields: names of fields whose columns are to be looked at.
        defaults: name to the default that only the migration knows.
        earlier: name to the default that states without the field were read with so far.
        renamed: old field name to new.
        everything: look at all columns.
        upcasters: of a newer schema, which is undone.
    """

    fields: set[str] = field(default_factory=set)
    defaults: dict[str, Any] = field(default_factory=dict)
    earlier: dict[str, Any] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    everything: bool = False
    upcasters: dict[int, Any] = field(default_factory=dict)


def follow(binding: Binding, alias: str, touched: Touched, backwards: bool) -> None:
    """Bring the log and the columns of one table in step.

    Args:
        binding: the model as it is after the operations.
        alias: database alias.
        touched: what they did.
        backwards: they were undone.

    Raises:
        StateOutdated: a field was renamed, or changed its type, and the ``HeadField`` does not say
            how old states are to be read.
    """
    renamed = {new: old for old, new in touched.renamed.items()} if backwards else touched.renamed
    names = {name for name in touched.fields if name not in renamed} | set(renamed.values())
    pass_ = _Pass(binding, alias, touched, names, renamed, backwards)
    # With a savepoint: SQLite's schema editor asks something more before it passes an error on.
    with transaction.atomic(using=alias):
        for rows in _batches(binding, alias):
            pass_.run(rows)


def _batches(binding: Binding, alias: str) -> Iterator[list[dict[str, Any]]]:
    """All rows, in the order of their keys, as attname to converted column."""
    connection = connections[alias]
    plan = ReadPlan(binding, connection)
    key = connection.ops.quote_name(str(binding.pk.column))
    index = plan.names.index(binding.pk.attname)
    condition: str = ""
    params: list[Any] = []
    while True:
        with connection.cursor() as cursor:
            cursor.execute(f"{plan.select}{condition} ORDER BY {key} LIMIT {BATCH}", params)
            found = cursor.fetchall()
        if not found:
            return
        yield [dict(zip(plan.names, plan.convert(connection, row), strict=True)) for row in found]
        condition, params = f" WHERE {key} > %s", [found[-1][index]]


class _Pass:
    """One walk over the rows of one model."""

    def __init__(
        self,
        binding: Binding,
        alias: str,
        touched: Touched,
        names: set[str],
        renamed: dict[str, str],
        backwards: bool,
    ) -> None:
        self.binding = binding
        self.alias = alias
        self.connection = connections[alias]
        self.defaults = touched.defaults
        self.earlier = touched.earlier
        self.renamed = renamed
        self.upcasters = touched.upcasters
        self.backwards = backwards
        self.codecs = [
            codec
            for codec in binding.codecs.values()
            if touched.everything or codec.name in names or f"{codec.name}_folded" in names
        ]
        for codec in self.codecs:
            # AddField lends a field its one-off default, and the field remembers to look there.
            codec.field.__dict__.pop("_get_default", None)
        sources = {codec.attname for codec in self.codecs}
        self.columns = [c for c in columns_of(binding).values() if c.source in sources]

    def run(self, rows: Sequence[dict[str, Any]]) -> None:
        mended = []
        changes = []
        for row in rows:
            pk = row[self.binding.pk.attname]
            opened, rekeyed = self._open(pk, row)
            found = {}
            for codec in self.codecs:
                given = self._unlogged(codec, opened.head, row)
                if given is not _NOTHING:
                    found[codec.attname] = given
            if found or rekeyed:
                changes.append(Change(pk, opened, found))
            state = dict(opened.head.state)
            for attname, value in found.items():
                state[self.binding.codecs[attname].name] = self.binding.encode(attname, value)
            mended.append((pk, opened.blob, opened.blob, self._column_values(state)))
        if self.columns:
            swap_heads(
                self.binding, connections[self.alias], [c.field for c in self.columns], mended
            )
        if changes and None in record(self.binding, self.alias, changes):
            raise StateOutdated(
                self.binding.entity, "rows were changed while a migration was writing them"
            )

    def _open(self, pk: Any, row: dict[str, Any]) -> tuple[Opened, bool]:
        blob = bytes(row[self.binding.head_field.attname])
        stream = self.binding.stream(pk)
        head = self.binding.read_head(self.alias, stream, blob)
        rekeyed = False
        if self.backwards and head.schema > self.binding.schema:
            head = downcast(self.binding.entity, head, self.binding.schema, self.upcasters)
            rekeyed = True
        if any(old in head.state for old in self.renamed):
            told = self.binding.head_field.renames_from(head.schema)
            for old, new in self.renamed.items():
                if not self.backwards and told.get(old) != new:
                    raise StateOutdated(
                        self.binding.entity,
                        f'the field {old} becomes {new}. Say so in HeadField(aliases={{"{old}": '
                        f'"{new}"}}), in the same migration, or no old event can be read',
                    )
            if self.backwards:  # no alias leads back
                head = self._rekey(head)
                rekeyed = True
        return Opened(stream, self.binding.upcast(head), blob), rekeyed

    def _rekey(self, head: Head) -> Head:
        state = {name: v for name, v in head.state.items() if name not in self.renamed.values()}
        state = {self.renamed.get(name, name): value for name, value in state.items()}
        return Head(head.version, head.schema, head.digest, head.recorded_at, state)

    def _unlogged(self, codec: FieldCodec, head: Head, row: dict[str, Any]) -> Any:
        """The value that the database gave and the log does not know."""
        state, target = head.state, codec.field
        known = codec.name in state
        if known and (state[codec.name] is not None or target.null):
            return _NOTHING
        value = self._given(codec, row[codec.attname], known)
        if not known and has_stable_default(target):
            default = target.get_default()
            if codec.encode(value) == codec.encode(default):
                return _NOTHING
        return value

    def _given(self, codec: FieldCodec, column: Any, known: bool) -> Any:
        target = codec.field
        if column is None or not isinstance(target, SealedKind):
            return column
        if target.searchable:
            return target.open_column(bytes(column), self.alias)  # type: ignore[attr-defined]
        # The column only tells that there is a value; the migration gave all rows the same.
        if not known and codec.name in self.earlier:
            return self.earlier[codec.name]
        if codec.name not in self.defaults:
            self.defaults[codec.name] = target.get_default()  # type: ignore[attr-defined]
        return self.defaults[codec.name]

    def _column_values(self, state: dict[str, Any]) -> list[Any]:
        values = self.binding.values(state)
        primitives = {codec.attname: codec.primitive(state, values) for codec in self.codecs}
        return [
            column.write(values[column.source], primitives[column.source], self.connection)
            for column in self.columns
        ]
