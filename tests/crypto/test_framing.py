import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.crypto.framing import FramingError, frame
from django_jazzauth.errors import JazzAuthError

parts = st.one_of(
    st.binary(max_size=40), st.text(max_size=20), st.integers(min_value=0, max_value=2**64 - 1)
)


def raw(part):
    if isinstance(part, str):
        return part.encode()
    return part.to_bytes(8, "big") if isinstance(part, int) else part


def unframe(data):
    """An independent reader: what another implementation would do."""
    found = []
    while data:
        (length,) = struct.unpack(">I", data[:4])
        found.append(data[4 : 4 + length])
        assert len(found[-1]) == length
        data = data[4 + length :]
    return found


@given(st.lists(parts, max_size=8))
def test_a_frame_can_be_split_again(items):
    assert unframe(frame(*items)) == [raw(item) for item in items]


@given(st.lists(parts, max_size=6), st.lists(parts, max_size=6))
def test_different_parts_give_different_frames(one, other):
    same = [raw(item) for item in one] == [raw(item) for item in other]
    assert (frame(*one) == frame(*other)) is same


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=4))
def test_no_frame_begins_with_a_longer_one(items):
    assert frame(*items, b"") != frame(*items)
    assert frame(*items) != frame(b"".join(items)) or len(items) == 1


def test_known_bytes():
    assert frame() == b""
    assert frame("é", b"\x01", 258) == bytes.fromhex(
        "00000002c3a9 0000000101 000000080000000000000102"
    )


class Text(str):
    pass


def test_relatives_of_text_and_bytes_are_taken():
    expected = frame("ab", b"cd")
    assert frame(Text("ab"), bytearray(b"cd")) == expected
    assert frame("ab", memoryview(b"cd")) == expected


@pytest.mark.parametrize("number", [-1, 2**64])
def test_numbers_out_of_range_are_refused(number):
    with pytest.raises(FramingError, match=r"from 0 to 2\*\*64 - 1"):
        frame("x", number)


@pytest.mark.parametrize("text", ["\ud800", Text("a\udfff")])
def test_lone_surrogates_are_refused_without_being_shown(text):
    with pytest.raises(FramingError, match="lone surrogate") as caught:
        frame(text)
    assert caught.value.__cause__ is None
    assert isinstance(caught.value, JazzAuthError) and caught.value.code == "FRAMING"


@pytest.mark.parametrize("part", [True, None, 1.5, ["a"]])
def test_other_types_are_refused(part):
    with pytest.raises(TypeError, match=type(part).__name__):
        frame(part)


def test_a_part_of_4_gib_is_refused(monkeypatch):
    monkeypatch.setattr("django_jazzauth.crypto.framing._MAX_PART", 600)
    assert frame(b"x" * 600)
    with pytest.raises(FramingError, match="4 GiB"):
        frame(b"x" * 601)
