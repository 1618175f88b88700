"""Bodies are checked in one loop, to the same end as by DRF; what has more to it is DRF's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from django_jazzauth.api import plugins
from django_jazzauth.api.body_checks import ordinary_check
from django_jazzauth.api.errors import ApiError
from django_jazzauth.api.fields import StringField
from django_jazzauth.api.serializers import (
    Body,
    SignInEmailBody,
    SignOutBody,
    SignUpEmailBody,
    UpdateUserBody,
    _made,
    validate,
)

BODIES = (SignUpEmailBody, SignInEmailBody, SignOutBody, UpdateUserBody)
NAMES = sorted({sent_as for body in BODIES for sent_as in body().fields} | {"other"})
VALUES = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
    *(st.just("a@b.co"), st.just("\x00"), st.just("x" * 300), st.lists(st.text(), max_size=1)),
)


def refuse(value: Any) -> None:
    raise serializers.ValidationError("not today")


class WithRule(Body):
    """A rule over all members."""

    name = StringField(required=False)

    def validate(self, attrs: Any) -> Any:
        refuse(attrs)


class WithRuleOfOne(Body):
    """A rule for one member, by DRF's convention."""

    name = StringField(required=False)

    def validate_name(self, value: str) -> str:
        return value.upper()


class WithValidator(Body):
    """A field with a validator."""

    name = StringField(validators=[refuse])


class WithDefault(Body):
    """A field with a default."""

    name = StringField(default="nobody")


class WithMeta(Body):
    """Validators of the whole."""

    name = StringField(required=False)

    class Meta:
        validators = [refuse]


class Trimmed(StringField):
    """A field with a validation of its own."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return super().run_validation(data).strip()


class WithOwnField(Body):
    """A field that overrides what DRF does around it."""

    name = Trimmed()


class WithDrfField(Body):
    """One of DRF's own fields, which converts and has validators."""

    name = serializers.CharField(max_length=3)


@pytest.mark.parametrize("body_class", BODIES)
def test_the_core_is_checked_in_one_loop(body_class: type[Body]) -> None:
    assert _made(body_class, plugins.installed())[2] is not None


@pytest.mark.parametrize(
    "body_class",
    [
        *(WithRule, WithRuleOfOne, WithValidator, WithDefault, WithMeta, WithOwnField),
        WithDrfField,
    ],
)
def test_what_has_more_to_it_is_left_to_drf(body_class: type[Body]) -> None:
    assert _made(body_class, plugins.installed())[2] is None


def test_rules_of_projects_hold() -> None:
    for body_class in (WithRule, WithValidator, WithMeta):
        with pytest.raises(ApiError, match="not today"):
            validate(body_class, {"name": "Ada"})
    assert validate(WithRuleOfOne, {"name": "Ada"}) == {"name": "ADA"}
    assert validate(WithDefault, {}) == {"name": "nobody"}
    assert validate(WithOwnField, {"name": " Ada "}) == {"name": "Ada"}
    assert validate(WithDrfField, {"name": " 12 "}) == {"name": "12"}


def test_a_field_that_somebody_changed_on_its_own() -> None:
    serializer = SignOutBody()
    serializer.fields["state"].run_validation = lambda data=None: "mine"
    assert ordinary_check(serializer, [(name, name) for name in serializer.fields]) is None


@given(st.sampled_from(BODIES), st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_both_come_to_the_same(body_class: type[Body], data: dict[str, Any]) -> None:
    serializer, members, check = _made(body_class, plugins.installed())
    assert check is not None
    checked = check(data)
    try:
        known = serializer.run_validation(data)
    except serializers.ValidationError:
        assert checked is None
    else:
        assert checked == {name: known[sent_as] for name, sent_as in members if sent_as in known}
        assert list(checked) == [name for name, sent_as in members if sent_as in known]
