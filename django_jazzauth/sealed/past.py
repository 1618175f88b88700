"""A whole model as it was at a time: what ``User.objects.as_of(when)`` gives."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NoReturn, Self

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models

from ..conf import get_settings
from ..errors import PastRefused, ScanRefused
from ..store.past import Past, entities_at
from ..store.registry import projector_of
from .binding import binding_of, require_binding
from .kinds import SealedKind

Test = Callable[[Any, dict[str, Any]], bool]
_LOOKUPS = ("exact", "in", "isnull", "iexact")
_ANSWERED = "get, filter, exclude, order_by, reverse, count, exists, first, iterator and slices"


class PastView:
    """The entities of a model that existed at a time, with the values they had; read-only.

    It reads the log, which has no index by value: a look-up by primary key reads one stream, all
    else walks through the events of the model, in batches. Instances are those of
    ``store.as_of``. People who were shredded since are not among them.

    Args:
        model: the event-sourced model.
        alias: database alias.
        when: an aware time.
    """

    def __init__(self, model: Any, alias: str, when: datetime.datetime) -> None:
        if when.tzinfo is None:
            raise ValueError("as_of() needs an aware time.")
        self.model = model
        self.db = alias
        self.when = when
        self._binding = require_binding(model)
        self._tests: tuple[Test, ...] = ()
        self._keys: tuple[Any, ...] | None = None
        self._order: tuple[str, ...] = ()

    # -- narrowing --------------------------------------------------------------------------------

    def all(self) -> Self:
        """The same again."""
        return self._changed()

    def filter(self, **conditions: Any) -> Self:
        """Those for which all conditions hold.

        Args:
            conditions: exact values of plain or searchable fields: ``email=…``, ``email__in=[…]``,
                ``owner=user``, ``name__isnull=True``, and ``email__iexact=…`` where the field folds
                case.

        Raises:
            PastRefused: anything else.
        """
        view = self._changed()
        for name, value in conditions.items():
            view._tests += (self._test(name, value),)
            if name in ("pk", "pk__exact", "pk__in", self._pk_name, f"{self._pk_name}__in"):
                keys = tuple(value) if name.endswith("__in") else (value,)
                known = view._keys
                same = {self._key_text(key) for key in keys}
                view._keys = tuple(
                    dict.fromkeys(keys if known is None else known)
                    if known is None
                    else (key for key in known if self._key_text(key) in same)
                )
        return view

    def exclude(self, **conditions: Any) -> Self:
        """Those for which not all conditions hold."""
        tests = [self._test(name, value) for name, value in conditions.items()]
        view = self._changed()
        if tests:
            view._tests += (lambda pk, state: not all(test(pk, state) for test in tests),)
        return view

    def order_by(self, *names: str) -> Self:
        """Sorted by fields, ``"-name"`` downwards; NULL comes first. Without: as in the log.

        Raises:
            PastRefused: it is no field of the model.
        """
        for name in names:
            self._field(name.removeprefix("-"))
        view = self._changed()
        view._order = names
        return view

    def reverse(self) -> Self:
        """The other way round.

        Raises:
            PastRefused: there is no order.
        """
        if not self._order:
            raise PastRefused("reverse() needs an order: call order_by() first.")
        turned = (n[1:] if n.startswith("-") else f"-{n}" for n in self._order)
        return self.order_by(*turned)

    # -- answers ----------------------------------------------------------------------------------

    def get(self, **conditions: Any) -> Any:
        """The one for which the conditions hold.

        Raises:
            DoesNotExist: of the model; there was none.
            MultipleObjectsReturned: of the model; there were several.
            PastRefused: see ``filter``.
        """
        found = list(islice(self.filter(**conditions)._unordered(), 2))
        if not found:
            raise self.model.DoesNotExist(f"No {self.model._meta.object_name} matched then.")
        if len(found) > 1:
            raise self.model.MultipleObjectsReturned("More than one matched then.")
        return self._instance(found[0])

    def count(self) -> int:
        """How many there were."""
        return sum(1 for _ in self._unordered())

    def exists(self) -> bool:
        """Whether there was one."""
        return next(self._unordered(), None) is not None

    def first(self) -> Any:
        """The first, or None."""
        return next(iter(self), None)

    def iterator(self, chunk_size: int = 500) -> Iterator[Any]:
        """One after the other, in batches; without an order, memory does not grow.

        Args:
            chunk_size: events per batch.

        Raises:
            ScanRefused: there are more to be sorted than ``JAZZAUTH["ORDER_LIMIT"]``.
        """
        found = self._unordered(chunk_size)
        for past in self._sorted(found) if self._order else found:
            yield self._instance(past)

    def __iter__(self) -> Iterator[Any]:
        return self.iterator()

    def __getitem__(self, place: int | slice) -> Any:
        """One, or a list of those in a slice.

        Raises:
            PastRefused: it counts from the end.
            IndexError: there are not so many.
        """
        numbers = (place.start, place.stop) if isinstance(place, slice) else (place,)
        if any(number is not None and number < 0 for number in numbers):
            raise PastRefused("A view of the past cannot be counted from its end; reverse() it.")
        if isinstance(place, slice):
            return list(islice(self, place.start, place.stop, place.step))
        for found in islice(self, place, None):
            return found
        raise IndexError("There were not so many.")

    def __len__(self) -> NoReturn:
        raise PastRefused("len() would walk through the log; call count() if you mean it.")

    def __bool__(self) -> bool:
        return self.exists()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.model._meta.label} at {self.when.isoformat()}>"

    def __getattr__(self, name: str) -> NoReturn:
        if hasattr(models.QuerySet, name):
            raise PastRefused(
                f"{name}() does not work on a view of the past: the log has no columns to ask. "
                f"There are {_ANSWERED}; for more, load the instances."
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # -- within -----------------------------------------------------------------------------------

    @property
    def _pk_name(self) -> str:
        return str(self._binding.pk.name)

    def _changed(self) -> Self:
        view = type(self)(self.model, self.db, self.when)
        view._tests, view._keys, view._order = self._tests, self._keys, self._order
        return view

    def _key_text(self, key: Any) -> str:
        try:
            return self._binding.pk_text(getattr(key, "pk", key))
        except (ValidationError, ValueError, TypeError):
            raise PastRefused(f"{key!r} is no primary key of {self._binding.entity}.") from None

    def _unordered(self, chunk_size: int = 500) -> Iterator[Past]:
        keys = self._keys
        streams = None
        if keys is not None:
            entity = self._binding.entity
            streams = list(dict.fromkeys(f"{entity}/{self._key_text(key)}" for key in keys))
        projector = projector_of(self.model)
        for past in entities_at(self.db, projector, self.when, streams, chunk_size):
            if all(test(past.key, past.head.state) for test in self._tests):
                yield past

    def _instance(self, past: Past) -> Any:
        return projector_of(self.model).instance(self.db, past.key, past.head)

    def _sorted(self, found: Iterator[Past]) -> list[Past]:
        limit = get_settings().ORDER_LIMIT
        rows = list(islice(found, limit + 1))
        if len(rows) > limit:
            raise ScanRefused(
                f"More than {limit} entities of {self.model._meta.label} would be sorted. Narrow "
                "them by a filter, or leave out order_by() (or raise ORDER_LIMIT)."
            )
        for name in reversed(self._order):
            field = self._field(name.removeprefix("-"))

            def rank(past: Past, field: Any = field) -> Any:
                value = past.key if field is None else self._value(field, past.head.state)
                return (value is not None, value)

            try:
                rows.sort(key=rank, reverse=name.startswith("-"))
            except TypeError:
                raise ScanRefused(f"{name} has values without an order; sort in Python.") from None
        return rows

    def _value(self, codec: Any, state: dict[str, Any]) -> Any:
        return self._binding.known(state).get(codec.attname)

    def _field(self, name: str) -> Any:
        """The codec of a field; None for the primary key."""
        if name in ("pk", self._pk_name):
            return None
        codec = self._binding.by_name.get(name) or self._binding.codecs.get(name)
        if codec is None:
            try:
                self.model._meta.get_field(name)
            except FieldDoesNotExist:
                raise PastRefused(f"{self.model._meta.label} has no field {name!r}.") from None
            raise PastRefused(f"{name!r} is not part of what the log keeps of an entity.")
        return codec

    def _test(self, condition: str, value: Any) -> Test:
        name, _, lookup = condition.partition("__")
        lookup = lookup or "exact"
        if lookup not in _LOOKUPS:
            raise PastRefused(
                f"{condition!r}: a view of the past takes {', '.join(_LOOKUPS)} only, on fields of "
                "the model itself."
            )
        codec = self._field(name)
        if codec is None:
            if lookup not in ("exact", "in"):
                raise PastRefused(f"{condition!r}: of a primary key exact and in.")
            texts = {self._key_text(one) for one in (value if lookup == "in" else [value])}
            return lambda pk, _state: self._binding.pk_text(pk) in texts
        sealed = codec.field if isinstance(codec.field, SealedKind) else None
        if sealed is not None and not sealed.searchable and lookup != "isnull":
            raise PastRefused(
                f"{name!r} is not searchable, so it cannot be looked up in the past either."
            )
        if lookup == "isnull":
            return lambda _pk, state: (self._value(codec, state) is None) is bool(value)
        if lookup == "iexact":
            fold = _fold(self._binding, codec)
            wanted = fold(value)
            return lambda _pk, state: (
                (own := self._value(codec, state)) is not None and fold(own) == wanted
            )
        values = [self._encoded(codec, one) for one in (value if lookup == "in" else [value])]
        return lambda _pk, state: (
            ((own := self._value(codec, state)) is None and None in values)
            or (own is not None and codec.encode(own) in values)
        )

    def _encoded(self, codec: Any, value: Any) -> Any:
        field = codec.field
        if field.remote_field and isinstance(value, models.Model):
            value = getattr(value, field.target_field.attname)
        try:
            return None if value is None else codec.encode(field.to_python(value))
        except (ValidationError, ValueError, TypeError):
            raise PastRefused(f"{codec.name}: a value of another type.") from None


def _fold(binding: Any, codec: Any) -> Callable[[Any], Any]:
    for companion in binding.folded:
        if companion.source.attname == codec.attname:
            fold: Callable[[Any], Any] = companion.folded
            return fold
    raise PastRefused(f"{codec.name!r} does not fold case; look it up by its exact value.")


def past_of(queryset: Any, when: datetime.datetime) -> PastView:
    """The view that a manager or a fresh queryset gives.

    Raises:
        PastRefused: the queryset was narrowed, sorted or cut already, or is none of a sealed table.
    """
    query = queryset.query
    if query.where or query.is_sliced or query.combinator or query.order_by:
        raise PastRefused("Call as_of() first, and filter, sort and slice what it gives.")
    if binding_of(queryset.model) is None:
        raise PastRefused(f"{queryset.model._meta.label} has no streams of its own.")
    return PastView(queryset.model, queryset.db, when)
