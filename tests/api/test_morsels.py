"""Prepared cookies say what the standard library's say, whatever becomes of them."""

from __future__ import annotations

import copy
import pickle
from http.cookies import CookieError, Morsel
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.api.morsels import morsel

NAME = "better-auth.session_token"
KINDS: dict[str, Any] = {"max_age": 60, "for_scripts": False, "secure": True}


def plain(
    name: str, value: str, *, max_age: int | None, for_scripts: bool, secure: bool
) -> Morsel[str]:
    made: Morsel[str] = Morsel()
    made.set(name, value, value)
    if max_age is not None:
        made["max-age"] = str(max_age)
    made["path"] = "/"
    if not for_scripts:
        made["httponly"] = True
    made["samesite"] = "Lax"
    if secure:
        made["secure"] = True
    return made


@given(
    st.sampled_from([NAME, "a", "__Secure-x.dont_remember"]),
    st.sampled_from(["", "abc", "a%2Bb.c%3D"]),
    st.none() | st.integers(0, 10**9),
    st.booleans(),
    st.booleans(),
)
def test_the_text_is_the_same(
    name: str, value: str, max_age: int | None, for_scripts: bool, secure: bool
) -> None:
    kinds: dict[str, Any] = {"max_age": max_age, "for_scripts": for_scripts, "secure": secure}
    made, other = morsel(name, value, **kinds), plain(name, value, **kinds)
    assert made == other
    assert made.output() == other.output()
    assert made.output(header="") == other.output(header="")
    assert made.OutputString() == other.OutputString()
    assert made.OutputString(["path"]) == other.OutputString(["path"])
    assert made.js_output() == other.js_output()
    assert str(made) == str(other)


@pytest.mark.parametrize(
    "change",
    [
        lambda made: made.__setitem__("samesite", "None"),
        lambda made: made.update({"domain": "example.org"}),
        lambda made: made.pop("httponly"),
        lambda made: made.__delitem__("path"),
        lambda made: made.clear(),
        lambda made: dict.__setitem__(made, "comment", "x"),
        lambda made: made.set("other", "v", "v"),
        lambda made: made.__setstate__({"key": "k", "value": "v", "coded_value": "c"}),
    ],
)
def test_what_middleware_changes_is_sent(change: Any) -> None:
    made, other = morsel(NAME, "v", **KINDS), plain(NAME, "v", **KINDS)
    change(made)
    change(other)
    assert made.output() == other.output()
    # Only that one: the next answer has its own.
    assert morsel(NAME, "v", **KINDS).output() == plain(NAME, "v", **KINDS).output()


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_it_can_be_copied_and_kept_in_a_cache(again: Any) -> None:
    made = morsel(NAME, "v", **KINDS)
    for copied in (again(made), made.copy()):
        assert copied == made
        assert copied.output() == made.output()
        copied["max-age"] = "1"
        assert "Max-Age=1;" in copied.output()
    assert "Max-Age=60;" in made.output()


def test_a_name_that_no_cookie_can_have() -> None:
    for name in ("a b", "path"):
        with pytest.raises(CookieError):
            morsel(name, "", **KINDS)
