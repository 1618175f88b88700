"""The reader against Python's own parser, and what it refuses beyond that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from django_jazzauth.identity.errors import JsonError
from django_jazzauth.identity.strict_json import LARGEST_INTEGER, JsonReader

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('ab"\\é'), inner, max_size=4)
    ),
    max_leaves=12,
)
PIECES = rb'{ } [ ] , : " a "a" \ \u00e9 \ud83d \ude00 \n \x 0 1 - . e E+ true null nul NaN'.split()
RAW_PIECES = [
    b" ",
    b"\n",
    b"\x0c",
    b"\0",
    b"\x7f",
    b"\xc3\xa9",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
]
JSON_BYTES = st.lists(st.sampled_from(PIECES + RAW_PIECES), max_size=10).map(b"".join)


def skips(value: bytes) -> bool:
    reader = JsonReader(b'{"x":' + value + b"}")
    try:
        for _ in reader.members():
            reader.skip_value()
    except JsonError:
        return False
    return True


def strict_oracle(value: bytes) -> bool:
    """Say whether Python's parser takes ``value``, with what it is lax about taken back."""

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    try:
        parsed = json.loads(
            (b'{"x":' + value + b"}").decode("utf-8"), parse_constant=refuse, object_pairs_hook=list
        )
        json.dumps(parsed, ensure_ascii=False).encode("utf-8")
    except ValueError:
        return False
    return True


@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_skips_every_value(value: Any, indent: Any, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert skips(text.encode("utf-8"))


@given(JSON_BYTES | st.binary(max_size=12))
@example(b'"\\ud83d\\ude00"')
@example(b'"\\ud83d"')
@example(b'"\\ude00\\ud83d"')
@example(b'"\\ud83dx"')
@example(b"1,")
@example(b"[1,]")
@example(b'{"a":1,}')
@example(b'{"a" 1}')
@example(b"{1:1}")
@example(b"[1 2]")
@example(b"[1}")
@example(b"01")
@example(b"1.")
@example(b"1e")
@example(b"-")
@example(b"truex")
@example(b"//\n1")
@example(b"")
@example(b'"a')
@example(b'"\x1f"')
def test_agrees_with_the_oracle(value: bytes) -> None:
    assert skips(value) == strict_oracle(value)


@given(st.text(st.characters(codec="utf-8")), st.booleans())
def test_strings(text: str, ascii_only: bool) -> None:
    data = json.dumps({text: text}, ensure_ascii=ascii_only).encode("utf-8")
    reader = JsonReader(data)
    assert [(name, reader.optional_string()) for name in reader.members()] == [(text, text)]


def test_all_simple_escapes() -> None:
    reader = JsonReader(rb'{"a":"\"\\\/\b\f\n\r\t\u0041\uD83D\uDE00\u00e9"}')
    assert [reader.optional_string() for _ in reader.members()] == ['"\\/\b\f\n\r\tA😀é']


def read_integer(text: bytes) -> int | None:
    reader = JsonReader(b'{"n":' + text + b"}")
    (value,) = [reader.optional_integer() for _ in reader.members()]
    return value


@given(st.integers(0, LARGEST_INTEGER))
@example(0)
@example(LARGEST_INTEGER)
def test_integers(number: int) -> None:
    assert read_integer(str(number).encode()) == number


@pytest.mark.parametrize(
    "text",
    [
        "1.0", "1e9", "1E9", "1e0", '"1"', "-1", "-0", "0.0", "-0.0", "01", "00", "+1", "1_0",
        "0x1", ".5", "1.", "1e", "-", "true", "false", "[]", "{}", "NaN", "Infinity", "", "1 1",
        "nul", "nullnull", str(2**64), "9" * 20, "1" + "0" * 100_000, "٣",
    ],
)  # fmt: skip
def test_not_integers(text: str) -> None:
    with pytest.raises(JsonError):
        read_integer(text.encode())


def test_null_is_absent() -> None:
    reader = JsonReader(b'{"a": null, "b":null}')
    names = reader.members()
    assert (next(names), reader.optional_string()) == ("a", None)
    assert (next(names), reader.optional_integer()) == ("b", None)
    assert list(names) == []


@pytest.mark.parametrize("text", ["1", "[]", "{}", "true", "nope", ""])
def test_not_strings(text: str) -> None:
    reader = JsonReader(b'{"s":' + text.encode() + b"}")
    with pytest.raises(JsonError):
        [reader.optional_string() for _ in reader.members()]


def test_duplicates_are_handed_out() -> None:
    reader = JsonReader(rb'{"a":1,"\u0061":2}')
    assert [(name, reader.optional_integer()) for name in reader.members()] == [("a", 1), ("a", 2)]


@pytest.mark.parametrize("text", ["{}", " { } ", "\n{\t}\r"])
def test_empty_objects(text: str) -> None:
    assert list(JsonReader(text.encode()).members()) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "[]",
        "1",
        '"a"',
        "null",
        "{",
        "{}x",
        "{}{}",
        "{},",
        "\ufeff{}",
        "{,}",
        "{'a':1}",
        "{a:1}",
    ],
)
def test_not_one_object(text: str) -> None:
    reader = JsonReader(text.encode())
    with pytest.raises(JsonError):
        for _ in reader.members():
            reader.skip_value()


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_depth_has_no_limit_and_no_stack(opened: str, closed: str) -> None:
    depth = 100_000
    inner = f"{opened * depth}1{closed * depth}".encode()
    assert skips(inner)
    assert not skips(inner[:-1])
    assert not skips(inner + closed[-1:].encode())


def test_errors_name_the_place_not_the_content() -> None:
    reader = JsonReader(b'{\n "a": "s3cret", "b": s3cret}')
    with pytest.raises(JsonError) as caught:
        for _ in reader.members():
            reader.optional_string()
    assert str(caught.value) == "invalid type: other text, expected a string at line 2 column 21"
    assert caught.value.code == "INVALID_JSON"
