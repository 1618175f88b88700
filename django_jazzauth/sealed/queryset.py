"""Querysets and managers whose writes are events and whose reads are opened heads."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn, Self

from django.core.exceptions import FieldError
from django.db import models, transaction
from django.db.models import sql

from ..errors import NotJournalled
from .binding import binding_of, require_binding
from .conflicts import create_with_conflicts
from .creating import create_shortly
from .inherited import as_parents, rows_of_parents, split_by_table
from .insert import insert_objects
from .iterable import SealedModelIterable
from .past import PastView, past_of
from .point import point_get
from .projector import refuse_read_only
from .query import EventStoreQuery
from .update import update_rows


class EventStoreQuerySetMixin:
    """What any queryset over an event-sourced model must do differently."""

    model: Any
    db: str
    query: Any
    _result_cache: Any
    _for_write: bool

    model_iterable = SealedModelIterable

    def __init__(
        self, model: Any = None, query: Any = None, using: Any = None, hints: Any = None
    ) -> None:
        if query is None and model is not None:
            query = EventStoreQuery(model)
        super().__init__(model, query, using, hints)  # type: ignore[call-arg]
        self._iterable_class: Any = self.model_iterable

    # -- reading ----------------------------------------------------------------------------------

    def get(self, *args: Any, **kwargs: Any) -> Any:
        """As Django's ``get``; by primary key or one unique searchable field it is a point read."""
        if not args and len(kwargs) == 1 and self._is_djangos(super().get):  # type: ignore[misc]
            found = point_get(self, kwargs)
            if found is not None:
                return found
        return super().get(*args, **kwargs)  # type: ignore[misc]

    def as_of(self, when: datetime.datetime) -> PastView:
        """The whole model as it was at an aware time, read-only; see ``sealed.past.PastView``."""
        return past_of(self, when)

    def order_by(self, *field_names: Any) -> Self:
        """As Django's; a combined query cannot be ordered by a sealed field."""
        if self.query.combinator:
            sealed = {field.name for field in require_binding(self.model).sealed}
            for name in field_names:
                if isinstance(name, str) and name.lstrip("-") in sealed:
                    raise FieldError(
                        f"{name.lstrip('-')} is sealed: a combined query cannot be ordered by "
                        "it. Sort the instances in Python."
                    )
        return super().order_by(*field_names)  # type: ignore[misc,no-any-return]

    def only(self, *fields: Any) -> Self:
        return super().only(*fields, *self._always(fields))  # type: ignore[misc,no-any-return]

    def defer(self, *fields: Any) -> Self:
        head = self._head_name()
        return super().defer(*(f for f in fields if f != head))  # type: ignore[misc,no-any-return]

    @staticmethod
    def _is_djangos(method: Any) -> bool:
        """Whether a method behind this class is Django's, and no third party's."""
        function: Any = getattr(method, "__func__", None)
        return function is getattr(models.QuerySet, method.__name__)

    def _head_name(self) -> str | None:
        binding = binding_of(self.model)
        return None if binding is None else binding.head_field.name

    def _always(self, fields: Sequence[Any]) -> tuple[str, ...]:
        head = self._head_name()
        return () if head is None or head in fields or not fields else (head,)

    # -- writing ----------------------------------------------------------------------------------

    def create(self, **kwargs: Any) -> Any:
        """As Django's ``create``; what nobody changes on its way is written directly."""
        made = None
        if self._is_djangos(super().create):  # type: ignore[misc]
            self._for_write = True
            made = create_shortly(self.model, self.db, kwargs)
        return super().create(**kwargs) if made is None else made  # type: ignore[misc]

    create.alters_data = True  # type: ignore[attr-defined]

    def _insert(
        self,
        objs: Sequence[Any],
        fields: Sequence[Any],
        returning_fields: Sequence[Any] | None = None,
        raw: bool = False,
        using: str | None = None,
        on_conflict: Any = None,
        update_fields: Any = None,
        unique_fields: Any = None,
    ) -> list[tuple[Any, ...]]:
        if on_conflict is not None:
            raise NotJournalled("An insert with conflict options must go through bulk_create().")
        binding = require_binding(self.model)
        self._for_write = True
        insert_objects(binding, using or self.db, objs, fields, raw)
        returning = returning_fields or []
        return [tuple(getattr(obj, f.attname) for f in returning) for obj in objs]

    _insert.alters_data = True  # type: ignore[attr-defined]
    _insert.queryset_only = False  # type: ignore[attr-defined]

    def _batched_insert(
        self, objs: Sequence[Any], fields: Sequence[Any], batch_size: int | None, **options: Any
    ) -> list[tuple[Any, ...]]:
        # Whole: insert_objects() makes batches of its own, by what events need.
        returning = self.model._meta.db_returning_fields
        return self._insert(objs, fields, returning, using=self.db, **options)

    def bulk_create(
        self,
        objs: Iterable[Any],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Any = None,
        unique_fields: Any = None,
    ) -> list[Any]:
        """As Django's; each row is an event. With conflict options, rows go one by one."""
        if not (ignore_conflicts or update_conflicts):
            return super().bulk_create(objs, batch_size)  # type: ignore[misc,no-any-return]
        self._check_bulk_create_options(  # type: ignore[attr-defined]
            ignore_conflicts,
            update_conflicts,
            [self.model._meta.get_field(name) for name in update_fields or []],
            [
                self.model._meta.pk if name == "pk" else self.model._meta.get_field(name)
                for name in unique_fields or []
            ],
        )
        self._for_write = True
        return create_with_conflicts(
            self, list(objs), ignore_conflicts, update_fields or [], unique_fields or []
        )

    bulk_create.alters_data = True  # type: ignore[attr-defined]

    def bulk_update(
        self, objs: Iterable[Any], fields: Sequence[str], batch_size: int | None = None
    ) -> int:
        """As Django's: the named fields of the instances, one event per changed row."""
        objs = tuple(objs)
        if batch_size is not None and batch_size <= 0:
            raise ValueError("Batch size must be a positive integer.")
        if not fields:
            raise ValueError("Field names must be given to bulk_update().")
        concrete = [self.model._meta.get_field(name) for name in fields]
        if any(not field.concrete or field.many_to_many for field in concrete):
            raise ValueError("bulk_update() can only be used with concrete fields.")
        if any(field.primary_key for field in concrete):
            raise ValueError("bulk_update() cannot be used with primary key fields.")
        if any(obj.pk is None for obj in objs):
            raise ValueError("All bulk_update() objects must have a primary key set.")
        self._for_write = True
        for obj in objs:
            refuse_read_only(obj)
            obj._prepare_related_fields_for_save(operation_name="bulk_update", fields=concrete)
        binding = require_binding(self.model)
        own, inherited = split_by_table(self.model, [field.name for field in concrete])
        per_row = {
            binding.pk_text(obj.pk): {
                f.attname: getattr(obj, f.attname) for f in concrete if f.name in own
            }
            for obj in objs
        }
        count = 0
        keys = [obj.pk for obj in objs]
        with transaction.atomic(using=self.db, savepoint=False):
            for parent, names in inherited.items():
                parent._base_manager.using(self.db).bulk_update(
                    as_parents(objs, parent, names), names
                )
            for start in range(0, len(keys), 500):
                rows = self.filter(pk__in=keys[start : start + 500])  # type: ignore[attr-defined]
                count += update_rows(binding, rows, {}, per_row)
        return count

    bulk_update.alters_data = True  # type: ignore[attr-defined]

    def update(self, **kwargs: Any) -> int:
        """As Django's; one event per row that changes."""
        self._not_support_combined_queries("update")  # type: ignore[attr-defined]
        if self.query.is_sliced:
            raise TypeError("Cannot update a query once a slice has been taken.")
        self._for_write = True
        # Django's own checks of names and expressions, with its messages.
        checked = self.query.chain(sql.UpdateQuery)
        checked.add_update_values(kwargs)
        binding = require_binding(self.model)
        values = {}
        own, inherited = split_by_table(self.model, kwargs)
        for name in own:
            value = kwargs[name]
            field = self.model._meta.get_field(name)
            if field.primary_key:
                raise NotJournalled(
                    f"{self.model._meta.label}: the primary key names the stream and never "
                    "changes; create a new entity instead."
                )
            if isinstance(value, models.Model):
                value = getattr(value, field.target_field.attname)
            if field.attname not in binding.codecs:
                raise NotJournalled(f"{field} follows from other fields; update() cannot write it.")
            values[field.attname] = value
        with transaction.atomic(using=self.db, savepoint=False):
            parents = rows_of_parents(self, inherited)
            count = update_rows(binding, self._chain(), values)  # type: ignore[attr-defined]
            for parent, rows in parents.items():
                rows.update(**{name: kwargs[name] for name in inherited[parent]})
        self._result_cache = None
        return count

    update.alters_data = True  # type: ignore[attr-defined]

    def _update(self, values: Any) -> int:
        binding = require_binding(self.model)
        rows = update_rows(binding, self._chain(), {f.attname: v for f, _, v in values})  # type: ignore[attr-defined]
        self._result_cache = None
        return rows

    _update.alters_data = True  # type: ignore[attr-defined]
    _update.queryset_only = False  # type: ignore[attr-defined]

    def _raw_delete(self, using: str) -> NoReturn:
        raise NotJournalled(
            f"{self.model._meta.label}: _raw_delete() would leave no event; use delete()."
        )

    _raw_delete.alters_data = True  # type: ignore[attr-defined]


class EventStoreQuerySet(EventStoreQuerySetMixin, models.QuerySet[Any]):  # type: ignore[misc]
    """The queryset of event-sourced models."""


class EventStoreManager(models.Manager.from_queryset(EventStoreQuerySet)):  # type: ignore[misc]
    """The manager that stands where the ORM's manager stood."""


def journalled_queryset(queryset_class: type[Any]) -> type[Any]:
    """A queryset class of any kind, made to journal."""
    if issubclass(queryset_class, EventStoreQuerySetMixin):
        return queryset_class
    if queryset_class is models.QuerySet:
        return EventStoreQuerySet
    return type(
        f"EventStore{queryset_class.__name__}", (EventStoreQuerySetMixin, queryset_class), {}
    )
