import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.crypto.envelope import (
    OVERHEAD,
    Envelope,
    EnvelopeError,
    HeadCipher,
    seal_with_nonce,
)

KEY = bytes(range(32))
NONCE = bytes(range(100, 112))


def sealed_by(kind, plaintext=b"the state", aad=b"place", key=KEY):
    if kind is Envelope:
        return Envelope(key).seal(plaintext, aad)
    return HeadCipher(key).seal(plaintext, aad, NONCE)


both = pytest.mark.parametrize("kind", [Envelope, HeadCipher])


@both
@given(plaintext=st.binary(max_size=200), aad=st.binary(max_size=60))
def test_what_is_sealed_opens(kind, plaintext, aad):
    blob = sealed_by(kind, plaintext, aad)
    assert kind(KEY).open(blob, aad) == plaintext
    assert len(blob) == len(plaintext) + OVERHEAD
    assert blob[0] == 1


@both
def test_every_changed_bit_is_noticed(kind):
    blob, cipher = sealed_by(kind), kind(KEY)
    for position in range(len(blob)):
        for bit in range(8):
            changed = bytearray(blob)
            changed[position] ^= 1 << bit
            with pytest.raises(EnvelopeError):
                cipher.open(bytes(changed), b"place")


@both
def test_every_shortening_and_lengthening_is_noticed(kind):
    blob, cipher = sealed_by(kind), kind(KEY)
    for length in range(len(blob)):
        reason = "no known format" if length == 0 else "cut short" if length < 29 else "do not open"
        with pytest.raises(EnvelopeError, match=f"^the sealed bytes .*{reason}$"):
            cipher.open(blob[:length], b"place")
    for other in (blob + b"\0", b"\x01" + blob, blob[1:]):
        with pytest.raises(EnvelopeError):
            cipher.open(other, b"place")


@both
@pytest.mark.parametrize("aad", [b"", b"plac", b"place\0", b"Place"])
def test_another_place_does_not_open(kind, aad):
    with pytest.raises(EnvelopeError, match="do not open"):
        kind(KEY).open(sealed_by(kind), aad)


@both
def test_another_key_does_not_open(kind):
    with pytest.raises(EnvelopeError):
        kind(KEY[::-1]).open(sealed_by(kind), b"place")


def test_the_two_ciphers_do_not_open_each_other():
    with pytest.raises(EnvelopeError):
        HeadCipher(KEY).open(sealed_by(Envelope), b"place")
    with pytest.raises(EnvelopeError):
        Envelope(KEY).open(sealed_by(HeadCipher), b"place")


@both
@pytest.mark.parametrize("blob", [b"", b"plaintext passes nowhere", b"\x02" + bytes(40)])
def test_an_unknown_format_never_passes_through(kind, blob):
    with pytest.raises(EnvelopeError, match="no known format"):
        kind(KEY).open(blob, b"")


@both
def test_errors_are_coded_and_show_nothing(kind):
    with pytest.raises(EnvelopeError) as caught:
        kind(KEY).open(sealed_by(kind)[:-1], b"place")
    assert caught.value.code == "ENVELOPE"
    assert isinstance(caught.value, ValueError)
    assert "place" not in str(caught.value)
    assert caught.value.__suppress_context__


@both
@pytest.mark.parametrize("length", [0, 16, 24, 31, 33, 64])
def test_only_keys_of_32_bytes_are_taken(kind, length):
    with pytest.raises(ValueError, match=f"32 bytes, not {length}"):
        kind(bytes(length))


@both
def test_repr_shows_no_key(kind):
    assert KEY.hex() not in repr(kind(KEY)) and repr(KEY) not in repr(kind(KEY))


def test_nonces_are_random():
    envelope = Envelope(KEY)
    assert len({envelope.seal(b"same", b"")[1:13] for _ in range(500)}) == 500


def test_heads_are_deterministic():
    cipher = HeadCipher(KEY)
    assert cipher.seal(b"state", b"aad", NONCE) == cipher.seal(b"state", b"aad", NONCE)
    assert cipher.seal(b"other", b"aad", NONCE)[13:] != cipher.seal(b"state", b"aad", NONCE)[13:]


@pytest.mark.parametrize("length", [0, 11, 13])
def test_a_head_nonce_of_another_length_is_refused(length):
    with pytest.raises(ValueError):
        HeadCipher(KEY).seal(b"", b"", bytes(length))


def test_they_are_the_standard_modes():
    assert seal_with_nonce(Envelope(KEY), b"p", b"a", NONCE) == (
        b"\x01" + NONCE + AESGCM(KEY).encrypt(NONCE, b"p", b"a")
    )
    assert HeadCipher(KEY).seal(b"p", b"a", NONCE) == (
        b"\x01" + NONCE + AESGCMSIV(KEY).encrypt(NONCE, b"p", b"a")
    )


def test_gcm_siv_passes_rfc_8452_appendix_c2():
    cipher = HeadCipher(bytes([1]) + bytes(31))
    nonce = bytes([3]) + bytes(11)
    assert cipher.seal(bytes([1]) + bytes(7), b"", nonce)[13:] == bytes.fromhex(
        "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"
    )
