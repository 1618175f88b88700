"""Lenses: upcasters made of named parts, which also lead back.

A state is a mapping of field names to primitive values. A lens takes a state of one schema to the
next one, and, with ``back``, a state of the next one to this. Lenses are values: equal ones are
equal, and migrations can hold them. The name and the idea are those of Foster et al., "Combinators
for bidirectional tree transformations" (2007); of their laws the tests ask that a state that went
forward and back is the one that it was.

A state that lacks the field is older than the field, and is left as it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from django.utils.deconstruct import deconstructible

from ..errors import OneWayLens

__all__ = ["Add", "Convert", "Drop", "Join", "Lens", "Lenses", "Rename", "Split"]

State = dict[str, Any]


class Lens(ABC):
    """A step from one schema to the next; an upcaster, and a way back where there is one."""

    @abstractmethod
    def __call__(self, state: State) -> State:
        """The state of the next schema; ``state`` itself is not changed."""

    @abstractmethod
    def back(self, state: State) -> State:
        """The state of this schema again.

        Raises:
            OneWayLens: this lens knows no way back.
        """

    @property
    def renames(self) -> dict[str, str]:
        """Old field name to new, of fields whose values are kept as they are."""
        return {}

    @property
    def settles(self) -> frozenset[str]:
        """Names of fields of which nothing is left afterwards, as was meant."""
        return frozenset()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(type(self))


def _known(names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(names, str) or not names or len(set(names)) != len(names):
        raise ValueError("name the fields in a tuple, each once: ('first', 'last')")
    return tuple(names)


def _moved(state: State, gone: Sequence[str], come: dict[str, Any]) -> State:
    return {name: value for name, value in state.items() if name not in gone} | come


def _renamed(state: State, old: str, new: str) -> State:
    if old in state and new in state:
        raise ValueError(f"{old} cannot become {new}: the state has both")
    return {new if name == old else name: value for name, value in state.items()}


def _way(function: Callable[..., Any] | None, lens: Lens) -> Callable[..., Any]:
    if function is None:
        raise OneWayLens(
            f"{type(lens).__name__} was given no way back. Give it one, or do not migrate back."
        )
    return function


@deconstructible(path="django_jazzauth.sealed.lenses.Rename")
class Rename(Lens):
    """A field gets another name.

    Args:
        old: its name until now.
        new: its name from now on.
    """

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new

    def __call__(self, state: State) -> State:
        return _renamed(state, self.old, self.new)

    def back(self, state: State) -> State:
        return _renamed(state, self.new, self.old)

    @property
    def renames(self) -> dict[str, str]:
        return {self.old: self.new}


@deconstructible(path="django_jazzauth.sealed.lenses.Convert")
class Convert(Lens):
    """A field's values get another type or form. None stays None.

    Args:
        field: its name.
        by: from a primitive value to a primitive value; a function that a migration can import.
        back: the other way.
    """

    def __init__(
        self, field: str, by: Callable[[Any], Any], back: Callable[[Any], Any] | None = None
    ) -> None:
        self.field, self.by, self._back = field, by, back

    def __call__(self, state: State) -> State:
        return self._through(self.by, state)

    def back(self, state: State) -> State:
        return self._through(_way(self._back, self), state)

    def _through(self, function: Callable[[Any], Any], state: State) -> State:
        value = state.get(self.field)
        return dict(state) if value is None else {**state, self.field: function(value)}


@deconstructible(path="django_jazzauth.sealed.lenses.Split")
class Split(Lens):
    """One field becomes several.

    Args:
        field: the one.
        into: names of the several.
        by: from the one's value (None included, if it may be that) to a value for each.
        back: from the values of the several to the one's.
    """

    def __init__(
        self,
        field: str,
        into: Sequence[str],
        by: Callable[[Any], Sequence[Any]],
        back: Callable[..., Any] | None = None,
    ) -> None:
        self.field, self.into, self.by, self._back = field, _known(into), by, back

    def __call__(self, state: State) -> State:
        if self.field not in state:
            return dict(state)
        parts = dict(zip(self.into, self.by(state[self.field]), strict=True))
        return _moved(state, [self.field], parts)

    def back(self, state: State) -> State:
        if not all(name in state for name in self.into):
            return dict(state)
        value = _way(self._back, self)(*(state[name] for name in self.into))
        return _moved(state, self.into, {self.field: value})

    @property
    def settles(self) -> frozenset[str]:
        return frozenset([self.field])


@deconstructible(path="django_jazzauth.sealed.lenses.Join")
class Join(Lens):
    """Several fields become one: a ``Split`` the other way round.

    Args:
        fields: names of the several.
        into: the one.
        by: from the values of the several to the one's.
        back: from the one's value to a value for each.
    """

    def __init__(
        self,
        fields: Sequence[str],
        into: str,
        by: Callable[..., Any],
        back: Callable[[Any], Sequence[Any]] | None = None,
    ) -> None:
        self.fields, self.into, self.by, self._back = _known(fields), into, by, back

    def __call__(self, state: State) -> State:
        if not all(name in state for name in self.fields):
            return dict(state)
        value = self.by(*(state[name] for name in self.fields))
        return _moved(state, self.fields, {self.into: value})

    def back(self, state: State) -> State:
        if self.into not in state:
            return dict(state)
        parts = _way(self._back, self)(state[self.into])
        return _moved(state, [self.into], dict(zip(self.fields, parts, strict=True)))

    @property
    def settles(self) -> frozenset[str]:
        return frozenset(self.fields)


@deconstructible(path="django_jazzauth.sealed.lenses.Add")
class Add(Lens):
    """A field that old states lack gets a value other than its default.

    Args:
        field: its name.
        value: the primitive value.
    """

    def __init__(self, field: str, value: Any) -> None:
        self.field, self.value = field, value

    def __call__(self, state: State) -> State:
        return {self.field: self.value, **state}

    def back(self, state: State) -> State:
        return _moved(state, [self.field], {})


@deconstructible(path="django_jazzauth.sealed.lenses.Drop")
class Drop(Lens):
    """A field goes, and its values with it.

    Args:
        field: its name.
    """

    def __init__(self, field: str) -> None:
        self.field = field

    def __call__(self, state: State) -> State:
        return _moved(state, [self.field], {})

    def back(self, state: State) -> State:
        return dict(state)

    @property
    def settles(self) -> frozenset[str]:
        return frozenset([self.field])


@deconstructible(path="django_jazzauth.sealed.lenses.Lenses")
class Lenses(Lens):
    """Lenses one after another; without any, the schema changed and states did not.

    Args:
        lenses: the first one sees the oldest state.
    """

    def __init__(self, *lenses: Lens) -> None:
        self.lenses = lenses

    def __call__(self, state: State) -> State:
        for lens in self.lenses:
            state = lens(state)
        return dict(state)

    def back(self, state: State) -> State:
        for lens in reversed(self.lenses):
            state = lens.back(state)
        return dict(state)

    @property
    def renames(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for lens in self.lenses:
            found |= lens.renames
        return found

    @property
    def settles(self) -> frozenset[str]:
        return frozenset(name for lens in self.lenses for name in lens.settles)
