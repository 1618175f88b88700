"""Between a field's Python value and the primitive that is kept in a state."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from django.db import models
from django.db.backends.utils import format_number
from django.utils import timezone

from ..errors import NotJournalled, ValueNotStorable
from .text_codec import text_encoder
from .time_codec import as_datetime, datetime_encoder, naive_moment

_MICROSECOND = datetime.timedelta(microseconds=1)
_PRIMITIVES = (str, int, float, bool, bytes)


@dataclass(frozen=True, slots=True)
class FieldCodec:
    """How one field's value goes into a state and comes back.

    Attributes:
        name: the stable name, the key in the state.
        attname: the instance attribute.
        encode: Python value to primitive (msgpack's types, aware datetimes included).
        decode: primitive to Python value, as the database would have given it.
        mutable: each instance needs a value of its own.
        kept: values of this type are their own primitives; ``decode`` would return them.
    """

    field: Any
    name: str
    attname: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]
    mutable: bool = False
    kept: type | None = None

    def primitive(self, state: dict[str, Any], values: dict[str, Any]) -> Any:
        """The primitive in a state, or that of the default where the state is older than the field.

        Args:
            state: field name to primitive.
            values: attname to Python value, made of ``state``.
        """
        return state[self.name] if self.name in state else self.encode(values[self.attname])

    def readings(self, primitive: Any) -> list[Any]:
        """Every value that a plain column may show for a primitive.

        More than one only for times written while the project had another ``USE_TZ``: databases
        differ in how they read those.
        """
        if not isinstance(self.field, models.DateTimeField) or primitive is None:
            return []
        if isinstance(primitive, str):
            naive, zone = naive_moment(primitive)
            return [timezone.make_aware(naive, zone), timezone.make_aware(naive, datetime.UTC)]
        default = timezone.get_default_timezone()
        return [primitive.replace(tzinfo=None), timezone.make_naive(primitive, default)]


def field_codec(field: Any) -> FieldCodec:
    """The codec of a concrete model field."""
    encode, decode, mutable = _pair(field)
    kept = _KEPT.get(decode)
    return FieldCodec(field, field.name, field.attname, encode, decode, mutable, kept)


@lru_cache(maxsize=4096)
def field_codec_of(field: Any) -> FieldCodec:
    """The codec of a field, made once."""
    return field_codec(field)


_KINDS: tuple[tuple[type, str], ...] = (
    (models.JSONField, "JSON"),
    (models.DecimalField, "decimal"),
    (models.DateTimeField, "time"),
    (models.UUIDField, "UUID"),
    (models.DateField, "date"),
    (models.TimeField, "time of day"),
    (models.BinaryField, "bytes"),
    (models.CharField, "text"),
    (models.TextField, "text"),
    (models.FileField, "text"),
    (models.GenericIPAddressField, "address"),
    (models.IntegerField, "whole number"),
    (models.DurationField, "duration"),
    (models.BooleanField, "yes or no"),
    (models.FloatField, "number"),
)


def kind_of(field: Any) -> str:
    """What a field's values are in a state; two fields of one kind read each other's.

    Args:
        field: a concrete field; for a relation, its target decides.
    """
    while getattr(field, "remote_field", None) and hasattr(field, "target_field"):
        field = field.target_field
    for kind, name in _KINDS:
        if isinstance(field, kind):
            return name
    return str(type(field).__name__)


def _pair(field: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any], bool]:
    target = field
    while getattr(target, "remote_field", None) and hasattr(target, "target_field"):
        target = target.target_field
    if isinstance(target, models.JSONField):
        return _json_codec(target)
    if isinstance(target, models.DecimalField):
        return (lambda value: _decimal_primitive(target, value)), _optional(Decimal), False
    if isinstance(target, models.DateTimeField):
        return datetime_encoder(target), as_datetime, False
    prepare = target.to_python if target is not field else field.get_prep_value
    if isinstance(target, models.UUIDField):
        return _uuid_encoder(prepare), _as_uuid, False
    for kind, encode, decode in _BY_TYPE:
        if isinstance(target, kind):
            return _prepared(prepare, encode), _optional(decode), False
    if isinstance(target, models.CharField | models.TextField):
        return text_encoder(target, prepare), _text, False
    if isinstance(target, models.FileField | models.GenericIPAddressField):
        return (lambda value: None if value is None else str(prepare(value))), _text, False
    if isinstance(target, models.IntegerField):
        return (lambda value: _whole_primitive(target, prepare(value))), _whole, False
    if isinstance(target, models.DurationField):
        micros = _prepared(prepare, lambda value: value // _MICROSECOND)
        return (lambda value: _whole_primitive(target, micros(value))), _optional(_duration), False
    if isinstance(target, models.BooleanField):
        return _boolean_encoder(prepare), _yes_or_no, False
    if isinstance(target, models.FloatField):
        return (lambda value: None if value is None else prepare(value)), _floating, False
    # Whatever such a field makes of a state's value is its own, so no instance shares it.
    return (lambda value: _other_primitive(field, value)), _fresh(field.to_python), True


def _of(kind: type) -> Callable[[Any], Any]:
    """A decoder of values that are kept as they are, and refused if they are of another kind."""

    def decode(value: Any) -> Any:
        if type(value) is kind or value is None:
            return value
        raise TypeError(f"{type(value).__name__} where {kind.__name__} is kept")

    return decode


_text, _whole, _yes_or_no = _of(str), _of(int), _of(bool)
_KEPT: dict[Callable[[Any], Any], type] = {_text: str, _whole: int, _yes_or_no: bool}


def _floating(value: Any) -> Any:
    # A field of whole numbers may have become this one; nothing is lost by that.
    return value if type(value) is float or value is None else float(_whole(value))


def _optional(decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else decode(value)


def _fresh(decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: decode(list(value) if isinstance(value, list) else value)


def _prepared(prepare: Callable[[Any], Any], encode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def run(value: Any) -> Any:
        value = prepare(value)
        return None if value is None else encode(value)

    return run


def _uuid_encoder(prepare: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def encode(value: Any) -> bytes | None:
        if type(value) is not uuid.UUID:
            value = prepare(value)
        return None if value is None else value.bytes

    return encode


def _as_uuid(value: Any) -> uuid.UUID | None:
    return None if value is None else uuid.UUID(bytes=value)


def _boolean_encoder(prepare: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def encode(value: Any) -> bool | None:
        if value is True or value is False or value is None:
            return value
        found: bool | None = prepare(value)
        return found

    return encode


def _whole_primitive(field: Any, value: int | None) -> int | None:
    if value is not None and not -(2**63) <= value < 2**63:
        raise ValueNotStorable(f"{field} holds numbers of 64 bits at most.")
    return value


def _duration(microseconds: int) -> datetime.timedelta:
    return datetime.timedelta(microseconds=microseconds)


def _decimal_primitive(field: Any, value: Any) -> str | None:
    # Rounded as a column would round it, or head and column would differ.
    number = field.to_python(value)
    if number is None:
        return None
    try:
        text = format_number(number, field.max_digits, field.decimal_places)
    except InvalidOperation:
        text = None
    if text is None:
        raise ValueNotStorable(
            f"{field} holds at most {field.max_digits} digits, {field.decimal_places} of them "
            "after the point."
        )
    return text


def _json_codec(field: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any], bool]:
    def encode(value: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, models.Value):
            value = value.value
        try:
            text = json.dumps(value, cls=field.encoder, ensure_ascii=False)
            text.encode()
        except UnicodeEncodeError:
            raise ValueNotStorable(f"{field} cannot hold a lone surrogate.") from None
        return text

    def decode(value: str | None) -> Any:
        return None if value is None else json.loads(_text(value), cls=field.decoder)

    return encode, decode, True


def _other_primitive(field: Any, value: Any) -> Any:
    value = field.get_prep_value(value)
    if value is None or isinstance(value, _PRIMITIVES):
        return value
    if isinstance(value, list | tuple) and all(isinstance(v, _PRIMITIVES) for v in value):
        return list(value)
    raise NotJournalled(
        f"{field} prepares its value as {type(value).__name__}, which has no place in an event. "
        "Give the field a get_prep_value() that returns text, a number or bytes."
    )


_BY_TYPE: tuple[tuple[type, Callable[[Any], Any], Callable[[Any], Any]], ...] = (
    (models.DateField, lambda v: v.isoformat(), datetime.date.fromisoformat),
    (models.TimeField, lambda v: v.isoformat(), datetime.time.fromisoformat),
    (models.BinaryField, bytes, _of(bytes)),
)
