from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.identity import base64url
from django_jazzauth.identity.errors import Base64Error

ALPHABET = string.ascii_letters + string.digits + "-_"


@given(st.binary(max_size=200))
def test_round_trip(data: bytes) -> None:
    text = base64url.encode(data)
    assert set(text) <= set(ALPHABET)
    assert base64url.decode(text) == data


@given(st.text(ALPHABET, max_size=20))
def test_each_byte_string_has_one_text(text: str) -> None:
    try:
        data = base64url.decode(text)
    except Base64Error:
        padded = text + "=" * (-len(text) % 4)
        assert len(text) % 4 == 1 or base64url.encode(base64.urlsafe_b64decode(padded)) != text
    else:
        assert base64url.encode(data) == text


@given(st.text(max_size=20))
def test_any_text_decodes_or_is_refused(text: str) -> None:
    try:
        base64url.decode(text)
    except Base64Error as error:
        assert error.code == "INVALID_BASE64URL"
    else:
        assert set(text) <= set(ALPHABET)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("AA==", "Invalid padding"),
        ("AAA=", "Invalid padding"),
        ("=", "Invalid padding"),
        ("AA=A", "Invalid symbol 61, offset 2."),
        ("AA+A", "Invalid symbol 43, offset 2."),
        ("AA/A", "Invalid symbol 47, offset 2."),
        ("AAAA\n", "Invalid symbol 10, offset 4."),
        (" AAAA", "Invalid symbol 32, offset 0."),
        ("AÀ", "Invalid symbol 195, offset 1."),
        ("A\ud800", "Invalid symbol 237, offset 1."),
        ("A", "Invalid input length: 1"),
        ("AAAAA", "Invalid input length: 5"),
        ("AB", "Invalid last symbol 66, offset 1."),
        ("AAB", "Invalid last symbol 66, offset 2."),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(Base64Error) as caught:
        base64url.decode(text)
    assert str(caught.value) == message


def test_empty() -> None:
    assert base64url.decode("") == b""
