from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.identity import ImproperAudience, normalise_audience

APP = uuid.UUID("4af0209b-7fe4-57ba-b068-3b47d0855d11")


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
@pytest.mark.parametrize("form", ["{0}", "{{{0}}}", "urn:uuid:{0}"])
def test_spellings_of_a_uuid(form: str, spell: object) -> None:
    digits = spell(str(APP))  # type: ignore[operator]
    assert normalise_audience(form.format(digits)) == str(APP)


def test_bare_digits_and_uuid_objects() -> None:
    assert normalise_audience(APP.hex) == str(APP)
    assert normalise_audience(APP.hex.upper()) == str(APP)
    assert normalise_audience(APP) == str(APP)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        f" {APP}",
        f"{APP} ",
        f"{APP}\n",
        f"({APP})",
        f"{{{APP.hex}}}",
        f"urn:uuid:{APP.hex}",
        f"urn:uuid:{{{APP}}}",
        f"uuid:{APP}",
        f"{{{APP}",
        f"{APP}}}",
        "4af0209b7-fe4-57ba-b068-3b47d0855d11",
        "4af0209b-7fe457bab0683b47d0855d11",
        "4af0209b-7fe4-57ba-b068-3b47d0855d1g",
        "4af0209b-7fe4-57ba-b068-3b47d0855d1１",
        "-" * 36,
        "My App",
        "my-app",
        "a\u0000b",
        "été",
        "e\u0301te\u0301",
        "x" * 100_000,
    ],
)
def test_everything_else_is_a_name(name: str) -> None:
    assert normalise_audience(name) == str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


@pytest.mark.parametrize("wrong", [None, 1, b"my-app", ["my-app"], "\ud800"])
def test_no_proper_text(wrong: object) -> None:
    with pytest.raises(ImproperAudience) as caught:
        normalise_audience(wrong)  # type: ignore[arg-type]
    assert caught.value.code == "IMPROPER_AUDIENCE"


@given(st.text(st.characters(codec="utf-8")))
def test_normalising_twice_changes_nothing(name: str) -> None:
    once = normalise_audience(name)
    assert normalise_audience(once) == once
    assert str(uuid.UUID(once)) == once
