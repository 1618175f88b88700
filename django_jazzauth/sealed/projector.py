"""What the store needs of a model: rows written from heads, and rows checked against them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from django.db import connections, models

from ..errors import NotJournalled, RestoreRefused, SealBroken
from ..store.journal import last_heads
from ..store.registry import IndexedColumn, Standing, register
from ..store.sealing import Head
from .binding import Binding, require_binding
from .codec import FieldCodec, field_codec_of
from .indexed import indexed_columns
from .insert import insert_row
from .members import source_field
from .owned import note_event, remove_owned
from .projection import advance_pks, page_of_heads, select_heads
from .resealing import count_heads, replace_heads, stale_heads
from .row_checks import check_rows, duplicates, has_row, row_streams


class ModelProjector:
    """The projector of one event-sourced model."""

    def __init__(self, model: Any) -> None:
        self.model = model

    @cached_property
    def binding(self) -> Binding:
        """Made at the first use: while models are being defined, their relations are names."""
        return require_binding(self.model)

    @property
    def entity(self) -> str:
        return str(self.model._meta.sealed_head.entity)

    def stream(self, pk: Any) -> str:
        return self.binding.stream(pk)

    def key(self, stream: str) -> Any:
        return self.binding.pk.to_python(stream.partition("/")[2])

    def subject(self, pk: Any, state: dict[str, Any]) -> str:
        return self.binding.subject(pk, self.binding.known(state))

    def upcast(self, head: Head) -> Head:
        return self.binding.upcast(head)

    def values(self, state: dict[str, Any]) -> dict[str, Any]:
        values = self.binding.known(state)
        found = {self.binding.codecs[attname].name: value for attname, value in values.items()}
        for field in self.binding.members:
            found[field.name] = self._member_keys(field, state)
        return found

    def _member_keys(self, field: Any, state: dict[str, Any]) -> list[Any]:
        decode = self._member_codec(field).decode
        return [decode(member) for member in state.get(field.name, [])]

    def restorable(self, alias: str, pk: Any, state: dict[str, Any]) -> dict[str, Any]:
        if not self.binding.comes_back:
            raise RestoreRefused(
                f"{self.stream(pk)}: what ended of {self.entity} stays ended, so that nothing that "
                "was revoked or used up is good again."
            )
        state = dict(state)
        known = self.binding.known(state)
        for codec in self.binding.codecs.values():
            if codec.attname not in known:
                state[codec.name] = self._filled(pk, codec)
        values = self.binding.values(state)
        for codec in self.binding.codecs.values():
            field, value = codec.field, values[codec.attname]
            if value is None or not field.remote_field or not field.db_constraint:
                continue
            remote = field.remote_field.model
            rows = remote._base_manager.using(alias)
            own = remote._meta.concrete_model is self.model and value == pk
            if not own and not rows.filter(**{field.target_field.attname: value}).exists():
                raise RestoreRefused(
                    f"{self.stream(pk)}: what its {codec.name} points at is gone; restore that "
                    "first."
                )
        for field in self.binding.members:
            present = set(self._present(alias, field, self._member_keys(field, state)))
            encode = self._member_codec(field).encode
            state[field.name] = sorted(encode(member) for member in present)
        return state

    def _filled(self, pk: Any, codec: FieldCodec) -> Any:
        """What a field gets that came after the entity was deleted."""
        default = codec.field.get_default() if codec.field.has_default() else None
        if default is None and not codec.field.null:
            raise RestoreRefused(
                f"{self.stream(pk)}: it was deleted before the field {codec.name} was added, which "
                "has no default. Give the HeadField an upcaster that names its value."
            )
        return codec.encode(default)

    def _member_codec(self, field: Any) -> FieldCodec:
        through = field.remote_field.through
        return field_codec_of(through._meta.get_field(field.m2m_reverse_field_name()))

    def _present(self, alias: str, field: Any, members: list[Any]) -> Iterator[Any]:
        through = field.remote_field.through
        target = through._meta.get_field(field.m2m_reverse_field_name())
        rows = target.remote_field.model._base_manager.using(alias)
        name = target.target_field.attname
        for start in range(0, len(members), 400):
            chunk = members[start : start + 400]
            yield from rows.filter(**{f"{name}__in": chunk}).values_list(name, flat=True)

    def instance(self, alias: str, pk: Any, head: Head) -> Any:
        # None, rather than today's default, for a field that was not there then.
        values = {**dict.fromkeys(self.binding.codecs), **self.binding.known(head.state)}
        obj = self.model(**{self.binding.pk.attname: pk}, **values)
        obj._state.db = alias
        obj._state.adding = False
        obj._state.sealed_read_only = f"{self.stream(pk)} as of version {head.version}"
        return obj

    def insert(self, alias: str, pk: Any, head: Head, blob: bytes) -> None:
        binding = self.binding
        values = binding.values(head.state)
        state = {c.name: c.primitive(head.state, values) for c in binding.codecs.values()}
        insert_row(binding, alias, {**values, binding.pk.attname: pk}, state, blob)
        for field in binding.members:
            self._insert_members(alias, field, pk, self._member_keys(field, head.state))

    def inserted(self, alias: str) -> None:
        advance_pks(self.binding, alias)

    def _insert_members(self, alias: str, field: Any, pk: Any, members: list[Any]) -> None:
        through = field.remote_field.through
        connection = connections[alias]
        quote = connection.ops.quote_name
        source = source_field(through)
        target = through._meta.get_field(field.m2m_reverse_field_name())
        with connection.cursor() as cursor:
            for member in members:
                cursor.execute(
                    f"INSERT INTO {quote(through._meta.db_table)} "  # noqa: S608 - quoted names
                    f"({quote(source.column)}, {quote(target.column)}) VALUES (%s, %s)",
                    [
                        source.get_db_prep_value(pk, connection),
                        target.get_db_prep_value(member, connection),
                    ],
                )

    def unlogged(self, alias: str) -> list[str]:
        found: list[str] = []
        batch: list[str] = []

        def known() -> None:
            logged = last_heads(alias, batch)
            found.extend(stream for stream in batch if stream not in logged)
            batch.clear()

        keys = self.model._base_manager.using(alias).order_by().values_list("pk", flat=True)
        for pk in keys.iterator(chunk_size=2000):
            batch.append(self.stream(pk))
            if len(batch) == 2000:
                known()
        known()
        return found

    def clear(self, alias: str) -> int:
        connection = connections[alias]
        quote = connection.ops.quote_name
        with connection.cursor() as cursor:
            for field in self.binding.members:
                table = quote(field.remote_field.through._meta.db_table)
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - quoted name
            cursor.execute(f"DELETE FROM {quote(self.model._meta.db_table)}")  # noqa: S608
            return int(cursor.rowcount)

    def forget_row(self, alias: str, pk: Any) -> None:
        connection = connections[alias]
        quote = connection.ops.quote_name
        key = self.binding.pk
        columns = [(self.model._meta.db_table, key)]
        for field in self.binding.members:
            through = field.remote_field.through
            columns.insert(0, (through._meta.db_table, source_field(through)))
        with connection.cursor() as cursor:
            for table, column in columns:
                cursor.execute(
                    f"DELETE FROM {quote(table)} WHERE {quote(column.column)} = %s",  # noqa: S608
                    [column.get_db_prep_value(pk, connection)],
                )

    @property
    def schema(self) -> int:
        return int(self.binding.schema)

    def note(self, alias: str, pk: Any, type_: str) -> bool:
        return note_event(self.binding, alias, pk, type_)

    def remove_owned(self, alias: str, owner: Any, pk: Any) -> dict[str, int]:
        return remove_owned(self.binding, alias, owner, pk)

    def count_heads(self, alias: str, epoch_ids: Sequence[bytes], under: bool) -> int:
        return count_heads(self.binding, alias, epoch_ids, under)

    def stale_heads(
        self, alias: str, epoch_id: bytes, after: Any | None, limit: int
    ) -> list[tuple[Any, str, bytes]]:
        found = stale_heads(self.binding, alias, epoch_id, after, limit)
        return [(pk, self.stream(pk), blob) for pk, blob in found]

    def states(
        self, alias: str, after: Any | None, limit: int
    ) -> list[tuple[Any, str, dict[str, Any] | None]]:
        found: list[tuple[Any, str, dict[str, Any] | None]] = []
        for pk, blob in page_of_heads(self.binding, alias, after, limit):
            try:
                opened = self.binding.open(alias, pk, blob)
            except SealBroken:
                found.append((pk, self.stream(pk), None))
            else:
                found.append((pk, opened.stream, opened.head.state))
        return found

    def text_fields(self) -> list[str]:
        return [
            field.name
            for field in self.binding.sealed
            if isinstance(field, models.CharField | models.TextField)
        ]

    def present(self, alias: str, streams: Sequence[str]) -> set[str]:
        heads = select_heads(self.binding, alias, [self.key(stream) for stream in streams])
        return {stream for stream in streams if stream.partition("/")[2] in heads}

    def replace_heads(self, alias: str, rows: Sequence[tuple[Any, bytes, bytes]]) -> int:
        return replace_heads(self.binding, alias, rows)

    def indexed_columns(self, alias: str) -> list[IndexedColumn]:
        return indexed_columns(self.binding, alias)

    def check(self, alias: str, newest: Mapping[str, Standing]) -> Iterator[tuple[str, str, str]]:
        return check_rows(self.binding, alias, newest)

    def row_streams(self, alias: str, size: int) -> Iterator[list[str | None]]:
        return row_streams(self.binding, alias, size)

    def has_row(self, alias: str, stream: str) -> bool:
        return has_row(self.binding, alias, stream)

    def duplicates(self, alias: str) -> Iterator[tuple[str, str]]:
        return duplicates(self.binding, alias)


def refuse_read_only(instance: Any) -> None:
    """Refuse to save what ``as_of`` gave.

    Raises:
        NotJournalled: the instance shows the past.
    """
    past = instance._state.__dict__.get("sealed_read_only")
    if past is not None:
        raise NotJournalled(f"{past} is a view of the past; load the entity to change it.")


def register_model(model: Any) -> None:
    """Make a model known to the store."""
    register(ModelProjector(model))
