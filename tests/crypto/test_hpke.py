import pytest

from django_jazzauth.crypto.envelope import EnvelopeError
from django_jazzauth.crypto.hpke import (
    CLASSIC,
    HYBRID,
    SUITES,
    HpkeKey,
    ImproperPublicKey,
    UnknownSuite,
    seal_to,
)

SECRET = bytes(range(32))
SIZES = {HYBRID: (1216, 1120), CLASSIC: (32, 32)}

each = pytest.mark.parametrize("suite", SUITES)


@each
def test_what_is_sealed_opens(suite):
    key = HpkeKey(suite, SECRET)
    blob = seal_to(suite, key.public_key, b"epoch key", b"info")
    assert key.open(blob, b"info") == b"epoch key"
    assert HpkeKey(suite, SECRET).open(blob, b"info") == b"epoch key"
    assert blob != seal_to(suite, key.public_key, b"epoch key", b"info")


@each
def test_sizes_and_first_bytes(suite):
    public, encapsulated = SIZES[suite]
    key = HpkeKey(suite, SECRET)
    blob = seal_to(suite, key.public_key, bytes(32), b"")
    assert len(key.public_key) == public
    assert len(blob) == 2 + encapsulated + 32 + 16
    assert blob[:2] == bytes((1, SUITES.index(suite) + 1))


@each
def test_every_changed_byte_is_noticed(suite):
    key = HpkeKey(suite, SECRET)
    blob = seal_to(suite, key.public_key, b"epoch key", b"info")
    for position in range(len(blob)):
        changed = bytearray(blob)
        changed[position] ^= 0xFF
        with pytest.raises(EnvelopeError):
            key.open(bytes(changed), b"info")


@each
@pytest.mark.parametrize("length", [0, 1, 2, 20, -1])
def test_shortened_bytes_are_noticed(suite, length):
    key = HpkeKey(suite, SECRET)
    with pytest.raises(EnvelopeError):
        key.open(seal_to(suite, key.public_key, b"epoch key", b"")[:length], b"")


@each
def test_info_and_recipient_are_bound(suite):
    key = HpkeKey(suite, SECRET)
    blob = seal_to(suite, key.public_key, b"epoch key", b"info")
    with pytest.raises(EnvelopeError, match="do not open"):
        key.open(blob, b"inf0")
    with pytest.raises(EnvelopeError, match="do not open"):
        HpkeKey(suite, SECRET[::-1]).open(blob, b"info")


def test_suites_do_not_open_each_other():
    hybrid, classic = HpkeKey(HYBRID, SECRET), HpkeKey(CLASSIC, SECRET)
    blob = seal_to(HYBRID, hybrid.public_key, b"epoch key", b"")
    with pytest.raises(EnvelopeError, match="another suite"):
        classic.open(blob, b"")
    with pytest.raises(EnvelopeError):
        classic.open(b"\x01\x02" + blob[2:], b"")


def test_the_suites_share_no_key():
    assert HpkeKey(HYBRID, SECRET).public_key[-32:] != HpkeKey(CLASSIC, SECRET).public_key


@each
@pytest.mark.parametrize("change", [-1, 1])
def test_public_keys_of_other_lengths_are_refused(suite, change):
    with pytest.raises(ImproperPublicKey, match=f"has {SIZES[suite][0]} bytes"):
        seal_to(suite, bytes(SIZES[suite][0] + change), b"", b"")


@each
def test_bytes_that_are_no_public_key_are_refused(suite):
    # All ones: coefficients above the modulus (FIPS 203, 7.2); all zeros: a point of small order.
    bad = b"\xff" * 1184 + bytes(32) if suite == HYBRID else bytes(32)
    with pytest.raises(ImproperPublicKey, match="no public key"):
        seal_to(suite, bad, b"", b"")


@pytest.mark.parametrize("name", ["", "p256", "X25519"])
def test_unknown_suites_are_named(name):
    with pytest.raises(UnknownSuite, match="mlkem768-x25519, x25519") as caught:
        HpkeKey(name, SECRET)
    assert caught.value.code == "UNKNOWN_SUITE"
    with pytest.raises(UnknownSuite):
        seal_to(name, bytes(32), b"", b"")


@each
def test_repr_shows_no_key(suite):
    assert SECRET.hex() not in repr(HpkeKey(suite, SECRET))
