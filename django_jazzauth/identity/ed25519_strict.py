"""Ed25519 verification as strict as ``ed25519-dalek``'s ``verify_strict``.

RFC 8032 leaves room: OpenSSL, and with it ``cryptography``, takes a public key of small order. For
such a key A, the term k·A in the equation S·B = R + k·A takes at most eight values whatever the
message is, so that anyone can write down a signature, with no secret at all. A small-order R makes
a signature that says little about its message in the same way. Both are refused here before OpenSSL
is asked; the equation itself (cofactorless, R compared in its exact encoding) is OpenSSL's.

How encodings are judged (curve25519-dalek 4, which Jazz uses):

* Decoding a point takes the low 255 bits as y, **reduced modulo p**: the nineteen values from p to
  2^255-1 stand for y = 0 … 18. The top bit is the sign of x; a set sign with x = 0 is no error. So
  a non-canonical *public key* decodes; its bytes enter the hash, and the user id, as they stand.
* Of the non-canonical encodings, six stand for small-order points: p and p+1 with either sign, and
  y = 1 and y = -1 with the sign set. With the eight canonical ones that makes fourteen encodings
  of the eight small-order points. All are refused as keys and as R.
* The other non-canonical keys (y = 2 … 18 written as p+2 … p+18, where on the curve) are left to
  the equation, as in Jazz. Nobody knows a private key for these points, so no signature exists.
* A non-canonical *R* never verifies, since the recomputed R is encoded canonically and compared
  byte for byte.
* A key with a torsion component that is not itself of small order is left to the equation.

All values here are public, so nothing needs to run in constant time.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from django_jazzauth.identity.errors import SignatureRefused

PUBLIC_KEY_LENGTH = 32
SIGNATURE_LENGTH = 64

_P = 2**255 - 19
"""The field prime."""

_L = 2**252 + 27742317777372353535851937790883648493
"""Order of the base point."""

_D = -121665 * pow(121666, -1, _P) % _P
"""The curve constant in -x² + y² = 1 + d·x²·y²."""

_ORDER_8_Y = int.from_bytes(
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"
)
"""The y coordinate of two of the four points of order 8; its negative is that of the other two."""

_SMALL_ORDER_Y = frozenset({0, 1, _P - 1, _ORDER_8_Y, _P - _ORDER_8_Y})
"""Every y of a point whose order divides 8. Points with these y have no other order."""

_NOT_SATISFIED = "signature error: Verification equation was not satisfied"
_SCALAR_RANGE = "signature error: Cannot use scalar with high-bit set"


def decodes_to_point(encoded: bytes) -> bool:
    """Say whether 32 bytes decode to a point of the curve (RFC 8032 section 5.1.3, see above).

    x² = (y²-1) / (d·y²+1) must have a root, which Euler's criterion decides; the denominator is
    never zero, because -1/d is not a square.
    """
    y = _y(encoded)
    square = y * y % _P
    ratio = (square - 1) * (_D * square + 1) % _P
    return pow(ratio, (_P - 1) // 2, _P) in (0, 1)


def is_small_order(encoded: bytes) -> bool:
    """Say whether 32 bytes are one of the fourteen encodings of a small-order point."""
    return _y(encoded) in _SMALL_ORDER_Y


def verify_strict(public_key: bytes, signature: bytes, message: bytes) -> None:
    """Return if ``signature`` is a strict Ed25519 signature of ``message``; raise otherwise.

    Args:
        public_key: 32 bytes for which ``decodes_to_point`` is true.
        signature: 64 bytes, R then S.
        message: what was signed.

    Raises:
        SignatureRefused: S is not below the group order, the key or R is of small order, R is not
            canonical, or the equation does not hold.
    """
    r, s = signature[:32], signature[32:]
    if int.from_bytes(s, "little") >= _L:
        raise SignatureRefused(_SCALAR_RANGE)
    if is_small_order(r) or is_small_order(public_key) or not _canonical_y(r):
        raise SignatureRefused(_NOT_SATISFIED)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise SignatureRefused(_NOT_SATISFIED) from None


def _raw_y(encoded: bytes) -> int:
    return int.from_bytes(encoded, "little") & (2**255 - 1)


def _y(encoded: bytes) -> int:
    return _raw_y(encoded) % _P


def _canonical_y(encoded: bytes) -> bool:
    return _raw_y(encoded) < _P
