"""Sealed fields: their values live in the head, their columns answer only what SQL must."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, cast

import msgspec
from django.core import checks
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.lookups import Lookup
from django.db.models.query_utils import RegisterLookupMixin
from django.db.models.signals import class_prepared

from ..crypto.index_cipher import IndexCipher
from ..errors import KeyUnavailable, SealBroken
from ..folding import fold_email, fold_text
from ..keys.keyring import keyring
from .codec import field_codec_of
from .col import SealedCol, open_selected
from .field_checks import check_sealed
from .head_field import LAST
from .kinds import FoldedKind, SealedKind

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_BINARY = {"postgresql": "bytea", "sqlite": "BLOB"}
_MYSQL_INDEX_BYTES = 3072
_OVERHEAD = 18
_CONVERTED_TYPES = (
    "DateField",
    "DateTimeField",
    "DecimalField",
    "FloatField",
    "IntegerField",
    "TimeField",
    "UUIDField",
)
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder()


def binary_type(connection: BaseDatabaseWrapper, length: int | None) -> str:
    """Column type for ciphertext of ``length`` bytes (None: no limit known)."""
    if connection.vendor != "mysql":
        return _BINARY[connection.vendor]
    return f"varbinary({min(length or 1024, _MYSQL_INDEX_BYTES)})"


class SealedFieldMixin(SealedKind, RegisterLookupMixin):
    """What turns a model field into a sealed one.

    Args:
        searchable: keep the AES-SIV ciphertext of the value in the column, indexed, so that
            ``exact``, ``in``, UNIQUE, joins and grouping work in SQL. It shows which rows hold
            equal values, so never use it for a value that few people could not guess.
        casefold: with ``searchable``, keep the ciphertext of the case-folded value in a companion
            column ``<name>_folded``, which ``iexact`` uses. With ``unique`` the companion is
            unique too, except for empty text, which it holds as NULL.

    Without ``searchable`` the column holds only whether there is a value; every lookup but
    ``isnull`` opens heads (a scan).
    """

    # What Field brings, for the type checker.
    unique: bool
    max_length: int | None

    def __init__(
        self, *args: Any, searchable: bool = False, casefold: bool = False, **kwargs: Any
    ) -> None:
        self.searchable = searchable
        self.casefold = casefold
        super().__init__(*args, **kwargs)
        if searchable:
            self.db_index = True

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()  # type: ignore[misc]
        if self.searchable:
            kwargs["searchable"] = True
            kwargs.pop("db_index", None)
        if self.casefold:
            kwargs["casefold"] = True
        return name, path, args, kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        found: list[checks.CheckMessage] = super().check(**kwargs)  # type: ignore[misc]
        return [*found, *check_sealed(self)]

    def get_internal_type(self) -> str:
        # Backends choose converters of column values by this name; of these types they have some,
        # which must not see ciphertext or a marker.
        kind = super().get_internal_type()  # type: ignore[misc]
        return "SealedField" if str(kind).endswith(_CONVERTED_TYPES) else str(kind)

    @cached_property
    def validators(self) -> list[Any]:
        """Those of the plain field: the limits of a whole number go by its internal type."""
        twin: Any = copy.copy(self)
        bases: tuple[Any, ...] = type(self).__mro__
        twin.__class__ = next(
            base
            for base in bases
            if issubclass(base, models.Field) and not issubclass(base, SealedKind)
        )
        return twin.validators  # type: ignore[no-any-return]

    def get_db_converters(self, connection: BaseDatabaseWrapper) -> list[Any]:
        return [self.from_db_value]

    # -- the column ---------------------------------------------------------------------------

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        if not self.searchable:
            return "smallint"
        length = None if self.max_length is None else 4 * self.max_length + _OVERHEAD
        return binary_type(connection, length)

    def rel_db_type(self, connection: BaseDatabaseWrapper) -> str:
        return self.db_type(connection)

    def cast_db_type(self, connection: BaseDatabaseWrapper) -> str:
        return self.db_type(connection)

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        return {"type": self.db_type(connection), "check": None}

    def db_check(self, connection: BaseDatabaseWrapper) -> None:
        return None

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        """The column's value: ciphertext if searchable, otherwise 1 or NULL."""
        if hasattr(value, "resolve_expression"):
            return value
        return self.column_value(field_codec_of(self).encode(value), connection.alias)

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        return self.get_db_prep_value(value, connection)

    def column_value(self, primitive: Any, alias: str) -> bytes | int | None:
        """The column's value for an encoded value.

        Args:
            primitive: what the codec made of the value.
            alias: database alias, which has its own keys.
        """
        if primitive is None:
            return None
        if not self.searchable:
            return 1
        return keyring(alias).seal_column(self.entity, self.name, _index_bytes(primitive))

    def column_values(self, primitive: Any, alias: str) -> list[bytes]:
        """The ciphertexts that the column may hold: two while it is being re-indexed."""
        ciphers = keyring(alias).index_ciphers(self.entity, self.name)
        return _sealed_by(ciphers, _index_bytes(primitive))

    def sought_values(self, primitive: Any, alias: str) -> list[bytes]:
        """As ``column_values``, remembered: for look-ups."""
        return keyring(alias).sought(self.entity, self.name, _index_bytes(primitive))

    def open_column(self, blob: bytes, alias: str) -> Any:
        """The Python value behind a searchable column's ciphertext.

        Raises:
            SealBroken: the column was changed or moved.
        """
        try:
            generation = blob[1]
            cipher = keyring(alias).index_cipher_of(self.entity, self.name, generation)
            return field_codec_of(self).decode(_index_primitive(cipher.open(blob)))
        except (IndexError, ValueError, KeyUnavailable) as error:
            raise SealBroken(self.entity, f"column {self.column} does not open") from error

    @property
    def companion(self) -> FoldedField:
        """The column with the folded value's ciphertext, if ``casefold``."""
        return self.model._meta.get_field(f"{self.name}_folded")  # type: ignore[no-any-return]

    @cached_property
    def entity(self) -> str:
        """Stable name of the model that the field belongs to."""
        return self.model._meta.sealed_head.entity  # type: ignore[no-any-return]

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        """Open what a subquery or another expression selected of this field."""
        return open_selected(self, value, connection.alias)

    def seal_ranked(self, value: Any, alias: str) -> bytes:
        """A value on its way through one query that both selects and orders by it."""
        cipher = keyring(alias).index_cipher(self.entity, f"{self.name}:ranked")
        return cipher.seal(_index_bytes(field_codec_of(self).encode(value)))

    def open_ranked(self, blob: bytes, alias: str) -> Any:
        """What ``seal_ranked`` sealed."""
        cipher = keyring(alias).index_cipher_of(self.entity, f"{self.name}:ranked", blob[1])
        return field_codec_of(self).decode(_index_primitive(cipher.open(blob)))

    # -- in queries ---------------------------------------------------------------------------

    def get_col(self, alias: str | None, output_field: Any = None) -> SealedCol:
        if alias == self.model._meta.db_table and output_field in (None, self):
            return self.cached_col
        return SealedCol(alias, self, output_field)  # type: ignore[arg-type]

    @property
    def cached_col(self) -> SealedCol:
        return SealedCol(self.model._meta.db_table, self)  # type: ignore[arg-type]

    def get_lookup(self, lookup_name: str) -> type[Lookup[Any]] | None:
        return super().get_lookup(lookup_name)

    def get_transform(self, lookup_name: str) -> Any:
        # Ciphertext has no length, no lower case and no keys.
        return None


def _index_bytes(primitive: Any) -> bytes:
    if type(primitive) is str:
        # Only a look-up can bring a lone surrogate here; it then matches nothing.
        return b"s" + primitive.encode("utf-8", "surrogatepass")
    return b"m" + _encoder.encode(primitive)


def _sealed_by(ciphers: tuple[IndexCipher, ...], value: bytes) -> list[bytes]:
    if len(ciphers) == 1:  # unless the column is being re-indexed
        return [ciphers[0].seal(value)]
    return [cipher.seal(value) for cipher in ciphers]


def _index_primitive(data: bytes) -> Any:
    return data[1:].decode() if data[:1] == b"s" else _decoder.decode(data[1:])


class SealedCharField(SealedFieldMixin, models.CharField):  # type: ignore[misc,type-arg]
    """Text of limited length, sealed."""


class SealedEmailField(SealedFieldMixin, models.EmailField):  # type: ignore[misc,type-arg]
    """An e-mail address, sealed. With ``casefold`` its domain is compared in IDNA form."""


class SealedTextField(SealedFieldMixin, models.TextField):  # type: ignore[misc,type-arg]
    """Long text, sealed."""


class SealedJSONField(SealedFieldMixin, models.JSONField):  # type: ignore[misc]
    """Any JSON value, sealed. Its inside cannot be queried."""


@lru_cache
def seal(field_class: type[models.Field[Any, Any]]) -> type[Any]:
    """Make the sealed variant of a field class, as in ``seal(models.DateField)(null=True)``.

    Args:
        field_class: the field class; its values must prepare to text, a number or bytes.

    Returns:
        A class that takes the arguments of ``field_class`` and those of ``SealedFieldMixin``.
        Migrations write such a field as ``sealed_field(field_class, …)``.
    """
    ready: Any = {
        models.CharField: SealedCharField,
        models.EmailField: SealedEmailField,
        models.TextField: SealedTextField,
        models.JSONField: SealedJSONField,
    }.get(field_class)
    if ready is not None:
        return cast(type[Any], ready)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - of the new class
        # Field.clone() passes on what deconstruct() names, the class for sealed_field() included.
        own = args[1:] if args and args[0] is field_class else args
        super(sealed, self).__init__(*own, **kwargs)

    def deconstruct(self: Any) -> Any:
        name, _, args, kwargs = super(sealed, self).deconstruct()
        return name, "django_jazzauth.sealed.sealed_field", [field_class, *args], kwargs

    sealed: Any = type(
        f"Sealed{field_class.__name__}",
        (SealedFieldMixin, field_class),
        {"__module__": __name__, "__init__": __init__, "deconstruct": deconstruct},
    )
    return cast(type[Any], sealed)


def sealed_field(field_class: type[models.Field[Any, Any]], *args: Any, **kwargs: Any) -> Any:
    """A sealed field of any class, in one call: the form that migrations write."""
    return seal(field_class)(*args, **kwargs)  # type: ignore[arg-type]


class FoldedField(FoldedKind, models.BinaryField):  # type: ignore[type-arg,misc]
    """Companion column of a ``casefold`` field: the ciphertext of the folded value.

    Never set by hand; written together with the field that it follows, and never part of the
    state, since it follows from it.
    """

    def __init__(self, *args: Any, of: str = "", **kwargs: Any) -> None:
        self.of = of
        kwargs.update(null=True, editable=False, db_index=True)
        super().__init__(*args, **kwargs)
        self.serialize = False
        self.creation_counter += LAST

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        kwargs["of"] = self.of
        for key in ("null", "editable", "db_index"):
            kwargs.pop(key, None)
        return name, "django_jazzauth.sealed.FoldedField", args, kwargs

    @property
    def source(self) -> Any:
        return self.model._meta.get_field(self.of)

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        try:
            limit = self.source.max_length
        except FieldDoesNotExist:  # a migration renames it, and this column only afterwards
            return binary_type(connection, _MYSQL_INDEX_BYTES)
        # Folding can lengthen text (NFKC up to 18 times in theory); index keys stay in bounds.
        return binary_type(connection, None if limit is None else 4 * limit + _OVERHEAD)

    @cached_property
    def index_name(self) -> tuple[str, str]:
        """Entity and name that the column's index key is derived with."""
        source = self.source
        return source.entity, f"{source.name}:folded"

    def folded(self, value: Any) -> str:
        """The text under which values are equal."""
        return self._fold(str(value))

    @cached_property
    def _fold(self) -> Callable[[str], str]:
        return fold_email if isinstance(self.source, models.EmailField) else fold_text

    def column_value(self, value: Any, alias: str) -> bytes | None:
        """The column's value for the Python value of the field it follows."""
        if value is None or value == "":
            return None
        entity, name = self.index_name
        return keyring(alias).seal_column(entity, name, _index_bytes(self.folded(value)))

    def column_values(self, value: Any, alias: str) -> list[bytes]:
        """The ciphertexts that the column may hold: two while it is being re-indexed."""
        ciphers = keyring(alias).index_ciphers(*self.index_name)
        return _sealed_by(ciphers, _index_bytes(self.folded(value)))

    def sought_values(self, value: Any, alias: str) -> list[bytes]:
        """As ``column_values``, remembered: for look-ups."""
        return keyring(alias).sought(*self.index_name, _index_bytes(self.folded(value)))

    def value_to_string(self, obj: Any) -> str:
        return ""


def _add_companions(sender: Any, **kwargs: Any) -> None:
    meta = sender._meta
    if meta.abstract or meta.proxy or not hasattr(meta, "sealed_head"):
        return
    if sender.__module__ == "__fake__":  # a migration lists every column itself
        return
    present = {field.name for field in meta.local_fields}
    for field in list(meta.local_fields):
        if isinstance(field, SealedFieldMixin) and field.casefold:
            name = f"{field.name}_folded"
            if name not in present:
                sender.add_to_class(name, FoldedField(of=field.name, unique=field.unique))


class_prepared.connect(_add_companions, dispatch_uid="jazzauth_companions")
