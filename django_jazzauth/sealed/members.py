"""Many-to-many members as part of the state: whoever writes the rows, the head follows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connections, models, transaction
from django.db.models.fields.related_lookups import RelatedIn

from .binding import Binding, require_binding
from .codec import field_codec_of
from .ending import is_ending
from .projection import select_head, select_heads
from .record import Change
from .update import write_changes


class ThroughQuerySet(models.QuerySet[Any]):
    """Queryset of a many-to-many table whose one side is event-sourced.

    Every way to write such a table (``add``, ``set``, ``clear``, from either side, direct writes
    to ``through``, cascades from the other side) ends in one of these methods, so this is where
    membership is journalled.
    """

    def _insert(self, objs: Any, fields: Any, *args: Any, **kwargs: Any) -> Any:
        using = kwargs.get("using") or self.db
        with transaction.atomic(using=using, savepoint=False):
            result = super()._insert(objs, fields, *args, **kwargs)  # type: ignore[misc]
            source = source_field(self.model)
            sync_members(self.model, using, {getattr(obj, source.attname) for obj in objs})
        return result

    def update(self, **kwargs: Any) -> int:
        with transaction.atomic(using=self.db, savepoint=False):
            before = self._sources()
            rows = list(self.values_list("pk", flat=True))
            count = super().update(**kwargs)
            after = self.model._base_manager.using(self.db).filter(pk__in=rows)
            sync_members(self.model, self.db, before | after._sources())
        return count

    update.alters_data = True  # type: ignore[attr-defined]

    def _update(self, values: Any, *returning_fields: Any) -> Any:
        # What save() of a single row ends in; from Django 6.0 on it asks for values in return.
        with transaction.atomic(using=self.db, savepoint=False):
            before = self._sources()
            rows = list(self.values_list("pk", flat=True))
            updated = super()._update(values, *returning_fields)  # type: ignore[misc]
            after = self.model._base_manager.using(self.db).filter(pk__in=rows)
            sync_members(self.model, self.db, before | after._sources())
        return updated

    _update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic(using=self.db, savepoint=False):
            sources = self._sources()
            result = super().delete()
            sync_members(self.model, self.db, sources)
        return result

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def _raw_delete(self, using: str | None) -> Any:
        alias = using or self.db
        if self._goes_with_its_entities(alias):
            return super()._raw_delete(using)
        with transaction.atomic(using=alias, savepoint=False):
            sources = self.using(alias)._sources()
            result = super()._raw_delete(using)
            sync_members(self.model, alias, sources)
        return result

    _raw_delete.alters_data = True  # type: ignore[attr-defined]

    def _goes_with_its_entities(self, alias: str) -> bool:
        """Whether all are rows of entities that are being deleted: what a cascade removes."""
        conditions = self.query.where.children
        if len(conditions) != 1 or self.query.where.negated:
            return False
        lookup = conditions[0]
        field = getattr(getattr(lookup, "lhs", None), "target", None)
        if not isinstance(lookup, RelatedIn) or not isinstance(lookup.rhs, list | tuple):
            return False
        binding = require_binding(self.model._meta.auto_created)
        return field == source_field(self.model) and all(
            is_ending(connections[alias], binding.stream(pk)) for pk in lookup.rhs
        )

    def _sources(self) -> set[Any]:
        name = source_field(self.model).attname
        return set(self.order_by().values_list(name, flat=True))


def member_field(through: Any) -> Any:
    """The many-to-many field that Django made the table ``through`` for."""
    owner = through._meta.auto_created
    return next(
        field for field in owner._meta.local_many_to_many if field.remote_field.through is through
    )


def source_field(through: Any) -> Any:
    """The foreign key of ``through`` to the event-sourced side."""
    return through._meta.get_field(member_field(through).m2m_field_name())


def current_members(through: Any, alias: str, sources: Iterable[Any]) -> dict[Any, list[Any]]:
    """Primitive member keys, sorted, by source key, as the rows have them."""
    field = member_field(through)
    source = source_field(through)
    target = through._meta.get_field(field.m2m_reverse_field_name())
    encode = field_codec_of(target).encode
    found: dict[Any, list[Any]] = {pk: [] for pk in sources}
    rows: Any = models.QuerySet(through, using=alias).filter(**{f"{source.name}__in": list(found)})
    for source_pk, target_pk in rows.values_list(source.attname, target.attname):
        found[source_pk].append(encode(target_pk))
    return {pk: sorted(members) for pk, members in found.items()}


def sync_members(through: Any, alias: str, sources: set[Any]) -> None:
    """Append an event for every entity whose members differ from its head.

    Args:
        through: the many-to-many table.
        alias: database alias; a transaction is open on it.
        sources: keys of the entities whose rows were written.
    """
    binding = require_binding(through._meta.auto_created)
    name = member_field(through).name
    connection = connections[alias]
    sources = {pk for pk in sources if not is_ending(connection, binding.stream(pk))}

    def build(pks: list[Any]) -> list[Change]:
        members = current_members(through, alias, pks)
        changes = []
        for pk, blob in _heads(binding, alias, pks):
            opened = binding.open(alias, pk, blob)
            if opened.head.state.get(name, []) != members[pk]:
                changes.append(Change(pk, opened, {}, {name: members[pk]}))
        return changes

    if sources:
        write_changes(binding, alias, build, sorted(sources, key=str))


def _heads(binding: Binding, alias: str, pks: list[Any]) -> Iterable[tuple[Any, bytes]]:
    heads = select_heads(binding, alias, pks)
    for pk in pks:
        blob = heads.get(binding.pk_text(pk))
        if blob is not None:
            yield pk, blob


def read_members(instance: Any, name: str) -> list[Any]:
    """Primary keys of an entity's members, from its newest authenticated head.

    Args:
        instance: an event-sourced instance.
        name: the many-to-many field.

    Returns:
        The keys; empty for an entity that was never saved. A row added to the table by SQL is not
        among them.
    """
    binding = require_binding(type(instance))
    field = binding.model._meta.get_field(name)
    through = field.remote_field.through
    target = through._meta.get_field(field.m2m_reverse_field_name())
    alias = instance._state.db or "default"
    if instance.pk is None:
        return []
    blob = select_head(binding, alias, instance.pk, current=True)
    if blob is None:
        return []
    decode = field_codec_of(target).decode
    return [decode(v) for v in binding.open(alias, instance.pk, blob).head.state.get(name, [])]
