"""The head column: the sealed copy of an entity's newest state, and the model's stable names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.functional import cached_property

from .current_head import HeadCol
from .lenses import Lens

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

LAST = 1_000_000
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


class HeadField(models.BinaryField):  # type: ignore[type-arg]
    """Column that makes a model event-sourced.

    Args:
        entity: stable name of the model in streams and seals; never change it. Defaults to the
            model's label in lower case.
        subject: name of the foreign key to the person that the entity belongs to, under whose data
            key its events are sealed. Without one the entity is its own subject.
        aliases: old field name to present field name, for fields that were renamed. They are seen
            to before any upcaster runs.
        schema: number of the present schema, raised when old states need an upcaster.
        retired: names of fields that were removed; their values in old states are left alone.
        upcasters: schema number to a pure function that brings a state of that schema to the next;
            see ``lenses`` for ready ones, which also lead back.
    """

    def __init__(
        self,
        *args: Any,
        entity: str | None = None,
        subject: str | None = None,
        aliases: Mapping[str, str] | None = None,
        retired: Sequence[str] = (),
        schema: int = 1,
        upcasters: Mapping[int, Upcaster] | None = None,
        **kwargs: Any,
    ) -> None:
        self._entity = entity
        self.subject = subject
        self.aliases = dict(aliases or {})
        self.retired = tuple(retired)
        self.schema = schema
        self.upcasters = dict(upcasters or {})
        kwargs.update(editable=False, default=b"")
        super().__init__(*args, **kwargs)
        self.serialize = False
        # Behind the model's own fields, whose order is the constructor's.
        self.creation_counter += LAST

    @property
    def named(self) -> bool:
        """Whether the stable name was given."""
        return self._entity is not None

    @property
    def entity(self) -> str:
        """The stable name."""
        return self._entity or str(self.model._meta.label_lower)

    def renames_from(self, schema: int) -> dict[str, str]:
        """Old field name to new, of all renamings that a state of ``schema`` goes through."""
        found = dict(self.aliases)
        for number in range(schema, self.schema):
            lens = self.upcasters.get(number)
            if isinstance(lens, Lens):
                found |= lens.renames
        return found

    def settled_from(self, schema: int) -> frozenset[str]:
        """Names of fields that a state of ``schema`` may have, and the model need not."""
        lenses = [self.upcasters.get(number) for number in range(schema, self.schema)]
        named = [*self.retired, *self.aliases]
        return frozenset(named).union(
            *(each.settles | each.renames.keys() for each in lenses if isinstance(each, Lens))
        )

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        for key in ("editable", "default"):
            kwargs.pop(key, None)
        if self._entity is not None:
            kwargs["entity"] = self._entity
        if self.subject is not None:
            kwargs["subject"] = self.subject
        if self.aliases:
            kwargs["aliases"] = self.aliases
        if self.retired:
            kwargs["retired"] = self.retired
        if self.schema != 1:
            kwargs["schema"] = self.schema
        if self.upcasters:
            kwargs["upcasters"] = self.upcasters
        return name, "django_jazzauth.sealed.HeadField", args, kwargs

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        if not cls._meta.abstract:
            cls._meta.sealed_head = self

    def get_col(self, alias: str | None, output_field: Any = None) -> HeadCol:
        """As Django's; what is selected is the newest head of its stream."""
        if alias == self.model._meta.db_table and output_field in (None, self):
            return self.cached_col
        # In constraints there is no alias, which the stubs leave out.
        return HeadCol(alias, self, output_field)  # type: ignore[arg-type]

    @cached_property
    def cached_col(self) -> HeadCol:
        """As Django's."""
        return HeadCol(self.model._meta.db_table, self)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        # As plain bytes: every driver takes them, and they compare equal in a WHERE.
        return None if value is None else bytes(value)

    def value_to_string(self, obj: Any) -> str:
        return ""
