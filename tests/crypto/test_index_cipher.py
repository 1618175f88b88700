import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.crypto.envelope import EnvelopeError
from django_jazzauth.crypto.framing import frame
from django_jazzauth.crypto.index_cipher import OVERHEAD, IndexCipher

KEY = bytes(range(64))
CONTEXT = frame("user", "email")


def cipher(generation=1, key=KEY, context=CONTEXT):
    return IndexCipher(key, generation, context)


@given(st.binary(max_size=300))
def test_what_is_sealed_opens(value):
    blob = cipher().seal(value)
    assert cipher().open(blob) == value
    assert len(blob) == len(value) + OVERHEAD
    assert blob[:2] == b"\x01\x01"


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_equal_values_give_equal_bytes_and_only_they(one, other):
    assert (cipher().seal(one) == cipher().seal(other)) is (one == other)


@given(st.integers(min_value=1, max_value=255))
def test_the_generation_is_readable_and_bound(generation):
    blob = cipher(generation).seal(b"ada")
    assert blob[1] == generation == cipher(generation).generation
    other = generation % 255 + 1
    with pytest.raises(EnvelopeError, match="another generation"):
        cipher(other).open(blob)
    with pytest.raises(EnvelopeError, match="does not open"):
        cipher(other).open(bytes((1, other)) + blob[2:])


def test_every_changed_bit_is_noticed():
    blob = cipher().seal(b"ada@example.org")
    for position in range(len(blob)):
        for bit in range(8):
            changed = bytearray(blob)
            changed[position] ^= 1 << bit
            with pytest.raises(EnvelopeError):
                cipher().open(bytes(changed))


def test_every_shortening_is_noticed():
    blob = cipher().seal(b"ada@example.org")
    for length in range(len(blob)):
        reason = "of no known format" if length < 2 else "cut short" if length < 18 else "not open"
        with pytest.raises(EnvelopeError, match=f"^the column .*{reason}"):
            cipher().open(blob[:length])
    with pytest.raises(EnvelopeError):
        cipher().open(blob + b"\0")


@pytest.mark.parametrize(
    "other", [cipher(context=frame("user", "username")), cipher(key=KEY[::-1])]
)
def test_another_column_or_key_does_not_open(other):
    with pytest.raises(EnvelopeError):
        other.open(cipher().seal(b"ada"))
    assert other.seal(b"ada") != cipher().seal(b"ada")


@pytest.mark.parametrize("blob", [b"", b"\x01", b"ada@example.org", b"\x02\x01" + bytes(30)])
def test_an_unknown_format_never_passes_through(blob):
    with pytest.raises(EnvelopeError, match="no known format"):
        cipher().open(blob)


@pytest.mark.parametrize("length", [0, 32, 48, 63, 65])
def test_only_keys_of_64_bytes_are_taken(length):
    with pytest.raises(ValueError, match=f"64 bytes, not {length}"):
        cipher(key=bytes(length))


@pytest.mark.parametrize("generation", [-1, 0, 256])
def test_only_generations_of_one_byte_are_taken(generation):
    with pytest.raises(ValueError, match="1 to 255"):
        cipher(generation)


def test_it_is_aes_siv_with_the_context_as_associated_data():
    data = [frame("jazzauth/index/1", CONTEXT, 7)]
    assert cipher(7).seal(b"ada") == b"\x01\x07" + AESSIV(KEY).encrypt(b"ada", data)


def test_repr_shows_no_key():
    assert repr(KEY) not in repr(cipher()) and KEY.hex() not in repr(cipher())
