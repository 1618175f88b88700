"""Every kind of field: what goes into a state comes back equal, on its own and through a row."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
import pytest
from django.core.exceptions import ValidationError
from django.db import models
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.errors import NotJournalled, ValueNotStorable
from django_jazzauth.folding import fold_email, fold_text
from django_jazzauth.sealed.codec import field_codec

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
YEARS = datetime.timedelta(days=36_500_000)
MOMENTS = st.datetimes(
    timezones=st.sampled_from([datetime.UTC, datetime.timezone(datetime.timedelta(hours=9))])
)

KINDS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (models.CharField(max_length=30), TEXT),
    (models.TextField(), TEXT),
    (models.IntegerField(), st.integers(-(2**31), 2**31 - 1)),
    (models.BigIntegerField(), st.integers(-(2**63), 2**63 - 1)),
    (models.BooleanField(), st.booleans()),
    (models.FloatField(), st.floats(allow_nan=False)),
    (
        models.DecimalField(max_digits=12, decimal_places=3),
        st.decimals(-(10**8), 10**8, places=3),
    ),
    (models.DateField(), st.dates()),
    (models.TimeField(), st.times()),
    (models.DateTimeField(), MOMENTS.filter(lambda m: 1 < m.year < 9999)),
    (models.DurationField(), st.timedeltas(-YEARS, YEARS)),
    (models.UUIDField(), st.uuids()),
    (models.BinaryField(), st.binary(max_size=40)),
    (models.JSONField(), JSON),
    (models.GenericIPAddressField(), st.ip_addresses(v=4).map(str)),
]


@pytest.mark.parametrize(("field", "values"), KINDS, ids=lambda kind: type(kind).__name__)
@given(data=st.data())
def test_values_come_back(field: Any, values: st.SearchStrategy[Any], data: st.DataObject) -> None:
    field.set_attributes_from_name("field")
    codec = field_codec(field)
    value = data.draw(st.none() | values)
    primitive = codec.encode(value)
    packed = msgspec.msgpack.decode(msgspec.msgpack.encode(primitive))
    assert codec.decode(packed) == value
    assert codec.encode(codec.decode(packed)) == primitive


class TagsField(models.Field):  # type: ignore[type-arg]
    def to_python(self, value: Any) -> Any:
        return value

    def get_prep_value(self, value: Any) -> Any:
        return value


def test_a_field_of_an_unknown_kind() -> None:
    field = TagsField()
    field.set_attributes_from_name("field")
    codec = field_codec(field)
    state = codec.encode(["a", 1])
    one, two = codec.decode(state), codec.decode(state)
    one.append("b")
    assert two == state == ["a", 1]
    assert codec.mutable
    with pytest.raises(NotJournalled):
        codec.encode(object())


@given(TEXT)
def test_folding_is_stable_and_never_fails(text: str) -> None:
    assert fold_text(fold_text(text)) == fold_text(text)
    fold_email(text)
    fold_email(f"{text}@{text}")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana@EXAMPLE.org", "ana@example.ORG"),
        ("x@BÜCHER.de", "x@xn--bcher-kva.de"),
        ("ﬁ@x.org", "fi@x.org"),
        (" a@b.c ", "a@b.c"),
    ],
)
def test_addresses_that_are_one(one: str, other: str) -> None:
    assert fold_email(one) == fold_email(other)


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_decimals_without_digits(value: str) -> None:
    with pytest.raises(ValidationError):
        refused(models.DecimalField(max_digits=4, decimal_places=2), value)


def refused(field: models.Field[Any, Any], value: Any) -> None:
    field.set_attributes_from_name("field")
    with pytest.raises(ValueNotStorable):
        field_codec(field).encode(value)


def test_numbers_of_more_than_64_bits() -> None:
    refused(models.BigIntegerField(), 2**63)
    refused(models.DurationField(), datetime.timedelta.max)
