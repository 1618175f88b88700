"""Keys of others that signatures are verified with, out of a published set (RFC 7517).

A key verifies the algorithms of its own type only, so that no token can make one key pass for
another kind. As for a Jazz server, a set with a key that cannot be used (P-521, secp256k1, Ed448)
is of no use as a whole: its publisher learns of it before tokens fail by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jwt.algorithms import get_default_algorithms
from jwt.exceptions import PyJWTError

from ..errors import JazzAuthError

_HMAC = ("HS256", "HS384", "HS512")
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
# (kty, crv) -> algorithms, and the members that make up the public key
_KINDS: dict[tuple[str, str | None], tuple[tuple[str, ...], tuple[str, ...]]] = {
    ("oct", None): (_HMAC, ("k",)),
    ("RSA", None): (_RSA, ("n", "e")),
    ("EC", "P-256"): (("ES256",), ("crv", "x", "y")),
    ("EC", "P-384"): (("ES384",), ("crv", "x", "y")),
    ("OKP", "Ed25519"): (("EdDSA",), ("crv", "x")),
}
_ALGORITHMS = get_default_algorithms()


class UnusableKeySet(JazzAuthError):
    """A key set that is empty, or has a key that cannot be used."""

    code = "UNUSABLE_KEY_SET"


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key that verifies.

    Attributes:
        kid: its name in the set, if it has one.
        algorithms: JOSE names (RFC 7518, RFC 8037) that it may be used with.
        key: as PyJWT takes it.
    """

    kid: str | None
    algorithms: tuple[str, ...]
    key: Any = field(repr=False)


def load_key_set(document: Any) -> tuple[VerificationKey, ...]:
    """The keys of a parsed JWK set.

    Raises:
        UnusableKeySet: no set, an empty one, or one with a key that cannot be used.
    """
    keys = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(keys, list) or not keys:
        raise UnusableKeySet("the document holds no keys")
    return tuple(load_key(jwk) for jwk in keys)


def load_key(jwk: Any) -> VerificationKey:
    """One public key; private members that it may have are left out.

    Raises:
        UnusableKeySet: the type or curve is not known, or a member is missing or wrong.
    """
    if not isinstance(jwk, Mapping):
        raise UnusableKeySet("a key is no JSON object")
    kind, curve, kid, named = (jwk.get(name) for name in ("kty", "crv", "kid", "alg"))
    known = _KINDS.get((str(kind), None if curve is None else str(curve)))
    if known is None or not all(isinstance(text, str | None) for text in (kid, named)):
        raise UnusableKeySet("a key is of a type or curve that cannot be used")
    algorithms, members = known
    public = {"kty": kind} | {name: jwk.get(name) for name in members}
    try:
        key = _ALGORITHMS[algorithms[0]].from_jwk(public)
    except (PyJWTError, ValueError, TypeError, AttributeError):
        raise UnusableKeySet("a key has missing or wrong members") from None
    usable = tuple(name for name in algorithms if named in (None, name))
    return VerificationKey(kid=kid, algorithms=usable, key=key)
