"""Textbook arithmetic on edwards25519 (RFC 8032 section 5.1), to forge what the tests need.

Slow, not constant-time, and independent of the code under test: nothing here may leave the tests.
"""

from __future__ import annotations

import hashlib
from itertools import count

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)

Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def add(a: Point, b: Point) -> Point:
    (x1, y1), (x2, y2) = a, b
    product = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P
    return x, y


def negate(a: Point) -> Point:
    return -a[0] % P, a[1]


def multiply(scalar: int, a: Point) -> Point:
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, a)
        a = add(a, a)
        scalar >>= 1
    return result


def x_of(y: int) -> int | None:
    """Return a root x for ``y``, or None if there is no such point."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT_OF_MINUS_ONE % P
    return x if x * x % P == square else None


def decode(encoded: bytes) -> Point | None:
    """Decode leniently, as curve25519-dalek does: y modulo p, a sign on x = 0 is no error."""
    number = int.from_bytes(encoded, "little")
    y, sign = (number & (2**255 - 1)) % P, number >> 255
    x = x_of(y)
    if x is None:
        return None
    return (x if x & 1 == sign else -x % P), y


def encode(a: Point) -> bytes:
    return (a[1] | (a[0] & 1) << 255).to_bytes(32, "little")


def base_point() -> Point:
    """Return the point with y = 4/5 and even x."""
    point = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    assert point is not None
    return point


BASE = base_point()


def torsion() -> list[Point]:
    """Return the eight points whose order divides 8, as multiples of one of order 8."""
    for y in count(2):
        x = x_of(y)
        if x is None:
            continue
        generator = multiply(L, (x, y))
        if multiply(4, generator) != IDENTITY:
            return [multiply(factor, generator) for factor in range(8)]
    raise AssertionError


def small_order_encodings() -> list[bytes]:
    """Return every 32-byte string that decodes to one of the eight points: fourteen of them."""
    points = set(torsion())
    candidates = {
        (y | sign << 255).to_bytes(32, "little")
        for point in points
        for y in (point[1], point[1] + P)
        if y < 2**255
        for sign in (0, 1)
    }
    return sorted(encoded for encoded in candidates if decode(encoded) in points)


def challenge(r: bytes, public_key: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + public_key + message).digest(), "little") % L


def signature(r: bytes, s: int) -> bytes:
    return r + (s % L).to_bytes(32, "little")


def forge_for_small_order_key(public_key: bytes, message: bytes) -> bytes:
    """Return a signature that the plain equation accepts, made without any secret."""
    key = decode(public_key)
    assert key is not None
    for s in count(1):
        for multiple in range(8):
            r = encode(add(multiply(s, BASE), negate(multiply(multiple, key))))
            k = challenge(r, public_key, message)
            if multiply(k % 8, key) == multiply(multiple, key):
                return signature(r, s)
    raise AssertionError
