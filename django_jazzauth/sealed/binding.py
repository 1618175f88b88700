"""A model's binding to its streams: names, codecs, and opening heads."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import msgspec

from ..crypto.envelope import HeadCipher
from ..drivers import as_octets
from ..errors import KeyUnavailable, SealBroken, StateOutdated
from ..keys.keyring import keyring
from ..store.sealing import Head, head_epoch, open_head, stream_name
from .codec import FieldCodec, field_codec_of
from .current_head import KEY_TYPES, final_key
from .defaults import has_stable_default
from .head_field import HeadField
from .kinds import FoldedKind, SealedKind
from .stepping import stepped


class Opened(msgspec.Struct, frozen=True):
    """An opened head with its stream and bytes: what a write is compared and swapped against.

    Attributes:
        stream: of the entity.
        head: its newest state, and where that stands.
        blob: the head's bytes.
        row: the whole row that it stands in, as the driver gives it; None where that is not known.
    """

    stream: str
    head: Head
    blob: bytes
    row: bytes | None = None


class Binding:
    """What a model's streams look like.

    One per concrete event-sourced model (proxies share their concrete model's).

    Attributes:
        model: the concrete model.
        head_field: its ``HeadField``.
        entity: stable name.
        codecs: one per field that is part of the state, by attname.
        members: names of many-to-many fields whose members are part of the state.
    """

    def __init__(self, model: Any) -> None:
        meta = model._meta
        self.model = model
        self.head_field: HeadField = meta.sealed_head
        self.entity = self.head_field.entity
        self.schema = self.head_field.schema
        self.pk = meta.pk
        self.head_index = meta.local_concrete_fields.index(self.head_field)
        self.codecs: dict[str, FieldCodec] = {
            field.attname: field_codec_of(field)
            for field in meta.local_concrete_fields
            if field is not self.pk
            and not isinstance(field, HeadField | FoldedKind)
            and not field.generated
        }
        self.by_name = {codec.name: codec for codec in self.codecs.values()}
        self.folded: list[Any] = [
            field for field in meta.local_concrete_fields if isinstance(field, FoldedKind)
        ]
        self.sealed: list[Any] = [
            field for field in meta.local_concrete_fields if isinstance(field, SealedKind)
        ]

    @cached_property
    def companions(self) -> list[tuple[Any, FieldCodec]]:
        """The companion columns, each with the field whose value it shows in another case."""
        return [(field, self.codecs[field.source.attname]) for field in self.folded]

    @property
    def members(self) -> list[Any]:
        """Many-to-many fields with a table of Django's making: their rows follow the state."""
        fields = self.model._meta.local_many_to_many
        return fields and [
            field
            for field in fields
            if getattr(field.remote_field.through, "_meta", None)
            and field.remote_field.through._meta.auto_created
        ]

    # -- names ----------------------------------------------------------------------------------

    def stream(self, pk: Any) -> str:
        """Name of the stream of the entity with this primary key."""
        return stream_name(self.entity, self.pk_text(pk))

    def pk_text(self, pk: Any) -> str:
        """A primary key as text, the same for every way to write it."""
        if type(pk) is self._key_type:
            return str(pk)
        return str(self._key.to_python(pk))

    @cached_property
    def _key(self) -> Any:
        return final_key(self.pk)

    @cached_property
    def _key_type(self) -> type | None:
        """Of the values that the key's own conversion leaves as they are."""
        return KEY_TYPES.get(type(self._key))

    @cached_property
    def key_kind(self) -> str:
        """Django's name for the type of the primary key."""
        return str(self._key.get_internal_type())

    @cached_property
    def subject_field(self) -> Any | None:
        """The foreign key to the person that entities of this model belong to."""
        name = self.head_field.subject
        return None if name is None else self.model._meta.get_field(name)

    def subject(self, pk: Any, values: dict[str, Any]) -> str:
        """Whose data key seals the entity's events.

        Args:
            pk: the entity's primary key.
            values: attname to Python value, at least of the subject's foreign key.
        """
        field = self.subject_field
        value = None if field is None else values.get(field.attname)
        return self.stream(pk) if value is None else self._stream_of_owner(value)

    @cached_property
    def _stream_of_owner(self) -> Callable[[Any], str]:
        """Names the stream of who an entity belongs to by the foreign key's value."""
        field: Any = self.subject_field
        target = field.remote_field.model._meta.concrete_model
        owner = binding_of(target)
        if owner is not None:
            return owner.stream
        return partial(stream_name, target._meta.label_lower)

    def subject_of(self, pk: Any, stream: str, state: dict[str, Any]) -> str:
        """As ``subject``, of an entity with its stream and state at hand."""
        field = self.subject_field
        codec = None if field is None else self.codecs.get(field.attname)
        primitive = None if codec is None else state.get(codec.name)
        if codec is None or primitive is None:
            return stream
        return self.subject(pk, {codec.attname: codec.decode(primitive)})

    @cached_property
    def comes_back(self) -> bool:
        """Whether entities that were deleted can be restored; see ``sealed_restorable``."""
        return bool(getattr(self.model, "sealed_restorable", True))

    @cached_property
    def _owner_fields(self) -> list[tuple[FieldCodec, Binding]]:
        found = []
        for codec in self.codecs.values():
            remote = codec.field.remote_field
            target = None if remote is None else binding_of(remote.model)
            if target is not None and codec.field.target_field.primary_key:
                found.append((codec, target))
        return found

    def owners(self, state: dict[str, Any]) -> tuple[str, ...]:
        """Streams of the entities that the foreign keys of a state point at.

        None for a model whose entities never come back.
        """
        if not self.comes_back:
            return ()
        return tuple(
            target.stream(codec.decode(state[codec.name]))
            for codec, target in self._owner_fields
            if state.get(codec.name) is not None
        )

    # -- states ---------------------------------------------------------------------------------

    def encode(self, attname: str, value: Any) -> Any:
        """A field's value as the state keeps it."""
        return self.codecs[attname].encode(value)

    def values(self, state: dict[str, Any]) -> dict[str, Any]:
        """Attname to Python value of every field of a state. Missing ones get their default.

        Raises:
            StateOutdated: a field has another type than its value, or no default that is known.
        """
        found: dict[str, Any] = {}
        codec = None
        try:
            for attname, codec in self.codecs.items():
                try:
                    primitive = state[codec.name]
                except KeyError:
                    found[attname] = self._default(codec)
                    continue
                if primitive is None or type(primitive) is codec.kept:
                    found[attname] = primitive
                else:
                    found[attname] = codec.decode(primitive)
        except (TypeError, ValueError, ArithmeticError, AssertionError):
            raise self._misfit(codec) from None
        return found

    def known(self, state: dict[str, Any]) -> dict[str, Any]:
        """As ``values``, without the fields of whose value the state tells nothing."""
        untold = {
            codec.name
            for codec in self.codecs.values()
            if codec.name not in state and not has_stable_default(codec.field)
        }
        found = self.values({**dict.fromkeys(untold), **state})
        return {name: v for name, v in found.items() if self.codecs[name].name not in untold}

    def value(self, codec: FieldCodec, state: dict[str, Any]) -> Any:
        """One field's Python value, nobody else's.

        Raises:
            StateOutdated: as ``values``.
        """
        if codec.name not in state:
            return self._default(codec)
        primitive = state[codec.name]
        try:
            return None if primitive is None else codec.decode(primitive)
        except (TypeError, ValueError, ArithmeticError, AssertionError):
            raise self._misfit(codec) from None

    def _default(self, codec: FieldCodec) -> Any:
        if not has_stable_default(codec.field):
            raise StateOutdated(
                self.entity,
                f"its state is older than the field {codec.name}, of whose value the log was not "
                "told. Let `manage.py migrate` add the field, which writes it down, or give the "
                "HeadField an upcaster that names it",
            )
        return codec.field.get_default()

    def _misfit(self, codec: FieldCodec | None) -> StateOutdated:
        # Without the cause: its text, and so a traceback, would show the value.
        kind = "" if codec is None else f", no {type(codec.field).__name__}"
        return StateOutdated(
            self.entity,
            f"its state holds a value of another type for {codec.name if codec else ''}{kind}. "
            "Raise the schema of the HeadField and give it an upcaster that converts the value",
        )

    @cached_property
    def _fields(self) -> frozenset[str]:
        return frozenset(self.by_name)

    def _refuse_guess(self, state: dict[str, Any]) -> None:
        """Refuse to take a renamed field for a new one.

        A state that lacks a field is older than the field, which then has its default. One that
        also holds a value that no field takes may rather come from before a renaming; with the
        default in its place the next save would write that value off.
        """
        known = self._fields | {field.name for field in self.members}
        lost = sorted(state.keys() - known - set(self.head_field.retired))
        if lost:
            missing = sorted(self._fields - state.keys())
            raise StateOutdated(
                self.entity,
                f"its state has {', '.join(lost)}, which no field takes, and lacks "
                f"{', '.join(missing)}. After a renaming, name the old field in "
                "HeadField(aliases=…); after a removal, in HeadField(retired=…)",
            )

    @cached_property
    def _old_names(self) -> frozenset[str]:
        return frozenset(self.head_field.aliases)

    def upcast(self, head: Head) -> Head:
        """Bring a state of an older schema forward.

        Raises:
            StateOutdated: it was written by a newer schema, or a field of it was renamed or removed
                and the ``HeadField`` does not say so.
        """
        state = head.state
        if (
            head.schema == self.schema
            and self._fields <= state.keys()
            and not (self._old_names and self._old_names & {*state})
        ):
            return head  # all fields there and no old name among them: nothing to bring forward
        if self.head_field.aliases and any(old in state for old in self.head_field.aliases):
            aliases = self.head_field.aliases
            state = {aliases.get(name, name): value for name, value in state.items()}
        schema = head.schema
        while schema < self.schema:
            upcaster = self.head_field.upcasters.get(schema)
            if upcaster is not None:
                state = stepped(self.entity, schema, upcaster, state)
            schema += 1
        if schema > self.schema:
            raise StateOutdated(
                self.entity, f"its state has schema {schema}, newer than this release's"
            )
        if not self._fields <= state.keys():
            self._refuse_guess(state)
        if state is head.state and schema == head.schema:
            return head
        return Head(head.version, schema, head.digest, head.recorded_at, state)

    def open(self, alias: str, pk: Any, blob: bytes) -> Opened:
        """Open the head of a row and bring its state to the present schema.

        Raises:
            SealBroken: it was changed or belongs to another row.
            StateOutdated: its state does not fit the model.
        """
        return self.open_at(alias, self.stream(pk), blob)

    def open_at(self, alias: str, stream: str, blob: Any) -> Opened:
        """As ``open``, by the name of the row's stream and the bytes as the driver gives them."""
        if type(blob) is not bytes:
            blob = as_octets(blob)
        head = open_head(self._cipher(alias, stream, blob), stream, blob)
        return Opened(stream, self.upcast(head), blob)

    def opener(self, alias: str) -> Callable[[str, Any], Opened]:
        """A function that opens one head after the other, of rows that were read together.

        It takes the stream and the head's bytes, and raises as ``open``.
        """
        ciphers: dict[bytes, HeadCipher] = {}  # by the part of a head that names its epoch

        def open_(stream: str, blob: Any) -> Opened:
            if type(blob) is not bytes:
                blob = as_octets(blob)
            cipher = ciphers.get(blob[:17])
            if cipher is None:
                cipher = ciphers[blob[:17]] = self._cipher(alias, stream, blob)
            return Opened(stream, self.upcast(open_head(cipher, stream, blob)), blob)

        return open_

    def read_head(self, alias: str, stream: str, blob: bytes) -> Head:
        """Open the head of a row; its state is that of the schema which it was written under.

        Raises:
            SealBroken: it was changed or belongs to another row.
        """
        return open_head(self._cipher(alias, stream, blob), stream, blob)

    def _cipher(self, alias: str, stream: str, blob: bytes) -> HeadCipher:
        try:
            epoch = head_epoch(blob)
        except ValueError:
            raise SealBroken(stream, "its head is not a head") from None
        try:
            return keyring(alias).head_cipher(epoch, self.entity)
        except KeyUnavailable as error:
            raise SealBroken(stream, f"its head is sealed under a key we lack: {error}") from error


def binding_of(model: Any) -> Binding | None:
    """The binding of a model; None if its own table is not event-sourced."""
    meta = model._meta.concrete_model._meta
    binding: Binding | None = meta.__dict__.get("sealed_binding")
    if binding is None and "sealed_head" in meta.__dict__:
        # Made at the first use: by then foreign keys point at classes, not at names.
        binding = meta.sealed_binding = Binding(meta.concrete_model)
    return binding


def loading_binding(model: Any) -> Binding | None:
    """The binding that opens a model's rows: its own, or that of a parent's table."""
    binding = binding_of(model)
    if binding is None:
        for parent in model._meta.all_parents:
            binding = binding or binding_of(parent)
    return binding


def require_binding(model: Any) -> Binding:
    """The binding of a model that must be event-sourced.

    Raises:
        TypeError: it is not.
    """
    binding = binding_of(model)
    if binding is None:
        raise TypeError(f"{model._meta.label} is not event-sourced: it has no HeadField.")
    return binding
