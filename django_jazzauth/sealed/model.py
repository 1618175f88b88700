"""What makes a model event-sourced: a plain mixin, and the abstract model that brings it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Self

from django.core.checks import CheckMessage
from django.core.exceptions import ValidationError
from django.db import models

from .alone import database_of, delete_alone, deletes_alone
from .binding import binding_of, loading_binding, require_binding
from .checks import check_model
from .head_field import HeadField
from .load import load_instance
from .members import read_members
from .projector import refuse_read_only
from .saving import save_shortly
from .snapshot import Snapshot, set_snapshot, snapshot_of, values_then
from .update import update_instance


class EventSourcedMixin:
    """The behaviour; not a Model, so that historical models in migrations keep it."""

    _meta: Any
    _state: Any
    pk: Any

    @classmethod
    def from_db(
        cls,
        db: str | None,
        field_names: Collection[str],
        values: Collection[Any],
        *,
        fetch_mode: Any = None,
    ) -> Any:
        """Build an instance from a row; see ``load_instance``. Django 6.1 gives a fetch mode."""
        if loading_binding(cls) is None:
            made = super().from_db(db, field_names, values)  # type: ignore[misc]
        else:
            made = load_instance(cls, db or "default", field_names, values)
        if fetch_mode is not None:
            made._state.fetch_mode = fetch_mode
        return made

    def save(self, *args: Any, expected_version: int | None = None, **kwargs: Any) -> None:
        """As Django's ``save``; concurrent changes are merged field by field.

        Args:
            args: as for Django.
            expected_version: write only if the entity is at this version.
            kwargs: as for Django.

        Raises:
            ConcurrentUpdate: it is at another one.
        """
        if expected_version is None:
            super().save(*args, **kwargs)  # type: ignore[misc]
            return
        self._state.sealed_expected_version = expected_version
        try:
            super().save(*args, **kwargs)  # type: ignore[misc]
        finally:
            del self._state.sealed_expected_version

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        """As Django's; a view of the past is refused."""
        refuse_read_only(self)
        super().save_base(*args, **kwargs)  # type: ignore[misc]

    def delete(self, using: str | None = None, keep_parents: bool = False) -> Any:
        """As Django's."""
        if self.pk is not None:
            using = database_of(self, using)
            if deletes_alone(self, using):
                return delete_alone(self, using)
        return super().delete(using=using, keep_parents=keep_parents)  # type: ignore[misc]

    delete.alters_data = True  # type: ignore[attr-defined]

    def _save_table(
        self,
        raw: bool = False,
        cls: Any = None,
        force_insert: bool = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Any = None,
    ) -> Any:
        # Whether a row is new or not is mostly clear; then no queryset has to be made for it.
        binding = binding_of(cls)
        if binding is not None and using is not None and not raw:
            updated = save_shortly(
                binding,
                using,
                self,
                force_insert=force_insert,
                force_update=force_update,
                update_fields=update_fields,
            )
            if updated is not None:
                return updated
        return super()._save_table(raw, cls, force_insert, force_update, using, update_fields)  # type: ignore[misc]

    def _do_update(
        self,
        base_qs: Any,
        using: str,
        pk_val: Any,
        values: Sequence[Any],
        update_fields: Any,
        forced_update: bool,
        *returning_fields: Any,
    ) -> Any:
        binding = binding_of(base_qs.model)
        if binding is None:
            return super()._do_update(  # type: ignore[misc]
                base_qs, using, pk_val, values, update_fields, forced_update, *returning_fields
            )
        if values:
            wanted = {f.attname: v for f, _, v in values if f.attname in binding.codecs}
            updated = update_instance(binding, using, self, pk_val, wanted)
        else:
            updated = update_fields is not None or base_qs.filter(pk=pk_val).exists()
        if not returning_fields:
            return updated
        # From Django 6.0 on: the values of these fields, in a row if there was one.
        names = [field.attname for field in returning_fields[0]]
        if not updated or not names:
            return [()] * updated
        return list(base_qs.filter(pk=pk_val).values_list(*names))

    def refresh_from_db(
        self, using: str | None = None, fields: Any = None, from_queryset: Any = None
    ) -> None:
        """As Django's; what was refreshed counts as unchanged from then on."""
        super().refresh_from_db(using, fields, from_queryset)  # type: ignore[misc]
        if self._state.db is not None:
            for model in (type(self), *type(self)._meta.all_parents):
                binding = binding_of(model)
                if binding is not None:
                    self._stand_on_loaded(binding, fields)

    def _stand_on_loaded(self, binding: Any, fields: Any) -> None:
        before = snapshot_of(self, binding)
        blob = self.__dict__.get(binding.head_field.attname)
        if not blob:
            return
        opened = binding.open(self._state.db, self.pk, blob)
        current = binding.values(opened.head.state)
        baseline = dict(values_then(before, binding))
        for attname, value in current.items():
            if fields is None or self.__dict__.get(attname) == value:
                baseline[attname] = value
        now = Snapshot(self._state.db, self.pk, opened, baseline, of_head=fields is None)
        set_snapshot(self, binding, now)

    def validate_unique(self, exclude: Collection[str] | None = None) -> None:
        """As Django's, and without regard to case where a companion column is unique."""
        super().validate_unique(exclude=exclude)  # type: ignore[misc]
        binding = binding_of(type(self))
        for companion in binding.folded if binding else ():
            source = companion.source
            value = self.__dict__.get(source.attname)
            if not companion.unique or not value or source.name in (exclude or ()):
                continue
            holders = type(self)._default_manager.filter(**{f"{source.name}__iexact": value})  # type: ignore[attr-defined]
            if holders.exclude(pk=self.pk).exists():
                message = self.unique_error_message(type(self), (source.name,))  # type: ignore[attr-defined]
                raise ValidationError({source.name: message})

    @classmethod
    def check(cls, **kwargs: Any) -> list[CheckMessage]:
        """As Django's, with the checks of event-sourced models."""
        found: list[CheckMessage] = super().check(**kwargs)  # type: ignore[misc]
        return [*found, *check_model(cls)]

    @property
    def sealed_version(self) -> int | None:
        """The version of the entity that this instance stands on; None before the first save."""
        snapshot = snapshot_of(self)
        return None if snapshot is None else snapshot.opened.head.version

    def sealed_m2m(self, name: str) -> list[Any]:
        """Primary keys of the members of a many-to-many field, from the authenticated head.

        Args:
            name: the field's name.
        """
        return read_members(self, name)

    @classmethod
    def sealed_entity(cls) -> str:
        """The stable name under which the model's streams are kept."""
        return str(require_binding(cls).entity)


class EventSourcedModel(EventSourcedMixin, models.Model):  # type: ignore[misc]
    """Base of models whose every change is an encrypted event.

    A subclass declares sealed and plain fields as usual, and may declare ``head`` itself to give
    stable names: ``head = HeadField(entity="patient", subject="owner")``. There is no manager
    here, so that those of a second base win: whatever they are, their querysets journal.
    """

    head = HeadField()

    class Meta:
        abstract = True

    def __copy__(self) -> Self:
        # Copies must not share what they know of the row: one may be saved, the other not.
        clone = type(self).__new__(type(self))
        clone.__setstate__(self.__getstate__())  # type: ignore[attr-defined]
        return clone
