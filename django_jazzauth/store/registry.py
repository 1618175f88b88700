"""Which models keep their rows as projections of the log.

The store knows models only through this interface; ``sealed/`` registers an implementation for
each model as it is defined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import StoreError
from .sealing import Head, State


class Standing(Protocol):
    """Where a living stream stands: what its row must show."""

    @property
    def head(self) -> Head:
        """The newest event; its state is empty if ``opaque``."""

    @property
    def opaque(self) -> bool:
        """Whether the state cannot be read."""


@dataclass(frozen=True, slots=True)
class IndexedColumn:
    """A searchable column.

    Attributes:
        entity: stable name of the model.
        key: name that its index key is derived with, beside the entity's.
        field: name of the field whose values it holds, folded or not.
        places: quoted names of table and column: its own, and those of foreign keys to it.
    """

    entity: str
    key: str
    field: str
    places: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.entity}.{self.key}"


class Projector(Protocol):
    """One event-sourced model, as the store needs it."""

    @property
    def entity(self) -> str:
        """Stable name of the model in its streams."""

    @property
    def model(self) -> Any:
        """The concrete model class."""

    def stream(self, pk: Any) -> str:
        """Name of the stream of the row with this key."""

    def key(self, stream: str) -> Any:
        """Primary key of the row that a stream belongs to."""

    def subject(self, pk: Any, state: dict[str, Any]) -> str:
        """Whose data key seals the entity's events."""

    def upcast(self, head: Head) -> Head:
        """The head with its state brought to the present schema."""

    def values(self, state: dict[str, Any]) -> dict[str, Any]:
        """Field name to Python value, for people and programs."""

    def restorable(self, alias: str, pk: Any, state: dict[str, Any]) -> dict[str, Any]:
        """The state in which an entity can come back: without members that are gone.

        Raises:
            RestoreRefused: something that it points at is gone.
        """

    def instance(self, alias: str, pk: Any, head: Head) -> Any:
        """An unsaved instance with the state's values."""

    def insert(self, alias: str, pk: Any, head: Head, blob: bytes) -> None:
        """Write the row of an entity from its head, member rows included."""

    def inserted(self, alias: str) -> None:
        """Note that every row has been written."""

    def unlogged(self, alias: str) -> list[str]:
        """Streams that rows belong to but that have no event at all."""

    def clear(self, alias: str) -> int:
        """Delete every row, member rows included, and return how many there were."""

    def forget_row(self, alias: str, pk: Any) -> None:
        """Delete the row of what has ended, member rows included; nothing is recorded."""

    @property
    def schema(self) -> int:
        """Number of the present schema of its states."""

    def note(self, alias: str, pk: Any, type_: str) -> bool:
        """Append an event that changes nothing but the version; false if the row is gone."""

    def remove_owned(self, alias: str, owner: Any, pk: Any) -> dict[str, int]:
        """Delete the rows that belong to a person, and what hangs on them.

        Args:
            alias: database alias.
            owner: the person's model class.
            pk: their key.

        Returns:
            Label of a model to the number of its rows.
        """

    def count_heads(self, alias: str, epoch_ids: Sequence[bytes], under: bool) -> int:
        """How many heads are sealed under one of these epochs, or under none of them."""

    def stale_heads(
        self, alias: str, epoch_id: bytes, after: Any | None, limit: int
    ) -> list[tuple[Any, str, bytes]]:
        """Key, stream and head of rows whose head is not under an epoch, in the order of keys."""

    def states(
        self, alias: str, after: Any | None, limit: int
    ) -> list[tuple[Any, str, State | None]]:
        """Key, stream and state of rows in the order of keys; no state if the head is broken.

        Args:
            alias: database alias.
            after: the key to begin behind; None: at the first.
            limit: rows at most.
        """

    def text_fields(self) -> list[str]:
        """Names of the sealed fields that hold text."""

    def present(self, alias: str, streams: Sequence[str]) -> set[str]:
        """Which of these streams have a row."""

    def replace_heads(self, alias: str, rows: Sequence[tuple[Any, bytes, bytes]]) -> int:
        """Give rows another sealing of the same head, unless they changed; how many it was.

        ``rows``: primary key, head as it was read, new head. Rows that others have locked are left
        out.
        """

    def indexed_columns(self, alias: str) -> list[IndexedColumn]:
        """The columns of its table that hold ciphertexts under index keys."""

    def check(self, alias: str, newest: Mapping[str, Standing]) -> Iterator[tuple[str, str, str]]:
        """What is wrong with the rows of living streams: code, stream, detail."""

    def row_streams(self, alias: str, size: int) -> Iterator[list[str | None]]:
        """The streams of all rows, in pages; None for a row whose primary key is none."""

    def has_row(self, alias: str, stream: str) -> bool:
        """Whether the entity has a row now."""

    def duplicates(self, alias: str) -> Iterator[tuple[str, str]]:
        """Rows that share a value which must be unique: stream, detail."""


_projectors: dict[str, Projector] = {}


def register(projector: Projector) -> None:
    """Make a model known to the store under its entity name."""
    _projectors[projector.entity] = projector


def projectors() -> list[Projector]:
    """Every registered model, in the order in which they were defined."""
    return list(_projectors.values())


def projector_of(model: Any) -> Projector:
    """The projector of a model class or instance.

    Raises:
        StoreError: the model is not event-sourced.
    """
    concrete = model._meta.concrete_model
    for projector in _projectors.values():
        if projector.model is concrete:
            return projector
    raise StoreError(f"{concrete._meta.label} is not event-sourced.")


def projector_for(stream: str) -> Projector | None:
    """The projector of a stream's entity; None if no model has that name now."""
    return _projectors.get(stream.partition("/")[0])
