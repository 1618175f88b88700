import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.crypto.derive import derive_key
from django_jazzauth.crypto.framing import frame

SECRET = bytes(range(32))


def hkdf(secret, info, length):
    """RFC 5869 written out, without a salt."""
    prk = hmac.new(bytes(32), secret, hashlib.sha256).digest()
    block, out, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(prk, block + info + bytes((counter,)), hashlib.sha256).digest()
        out, counter = out + block, counter + 1
    return out[:length]


@given(
    st.binary(min_size=32, max_size=64),
    st.text("abcdefghijklmnopqrstuvwxyz-/", max_size=20),
    st.binary(max_size=40),
    st.integers(min_value=1, max_value=200),
)
def test_it_is_hkdf_sha256_of_rfc_5869(secret, purpose, context, length):
    info = frame(f"jazzauth/{purpose}/1", context)
    assert derive_key(secret, purpose, context, length) == hkdf(secret, info, length)


def test_the_primitive_passes_rfc_5869_appendix_a3():
    okm = HKDF(algorithm=SHA256(), length=42, salt=None, info=b"").derive(b"\x0b" * 22)
    assert okm == bytes.fromhex(
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )


def test_purpose_context_and_secret_each_change_the_key():
    keys = {
        derive_key(SECRET, "head", b"user"),
        derive_key(SECRET, "head", b"session"),
        derive_key(SECRET, "index", b"user"),
        derive_key(SECRET, "head"),
        derive_key(SECRET[::-1], "head", b"user"),
    }
    assert len(keys) == 5
    assert {len(key) for key in keys} == {32}


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match="at least 32 bytes"):
        derive_key(SECRET[:31], "head")
