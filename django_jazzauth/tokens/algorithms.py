"""The signature algorithms, and making keys for them.

There is no P-521 here on purpose: a Jazz server cannot load a key set that has one.
"""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import Algorithm, get_default_algorithms

from ..errors import JazzAuthError

_RSA_BITS = 2048
_RSA_EXPONENT = 65537

SUPPORTED = ("EdDSA", "ES256", "RS256", "PS256")
"""``alg`` names (RFC 7518, RFC 8037) that may be configured."""


class UnsupportedAlgorithm(JazzAuthError):
    """A signature algorithm that is not one of :data:`SUPPORTED`."""

    code = "UNSUPPORTED_ALGORITHM"


def algorithm_named(name: str) -> Algorithm:
    """PyJWT's implementation of ``name``.

    Raises:
        UnsupportedAlgorithm: when it is not one of :data:`SUPPORTED`.
    """
    if name not in SUPPORTED:
        raise UnsupportedAlgorithm(f"{name} is not one of {', '.join(SUPPORTED)}")
    return get_default_algorithms()[name]


def generate_jwk(name: str) -> dict[str, Any]:
    """Make a private key for ``name`` and return it as a JWK (RFC 7517).

    Raises:
        UnsupportedAlgorithm: when ``name`` is not one of :data:`SUPPORTED`.
    """
    algorithm = algorithm_named(name)
    private: Any
    if name == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
    elif name == "ES256":
        private = ec.generate_private_key(ec.SECP256R1())
    else:
        private = rsa.generate_private_key(_RSA_EXPONENT, _RSA_BITS)
    return _to_jwk(algorithm, private)


def public_part(name: str, private_jwk: dict[str, Any]) -> dict[str, Any]:
    """The public JWK of a private one."""
    algorithm = algorithm_named(name)
    return _to_jwk(algorithm, load_jwk(name, private_jwk).public_key())


def load_jwk(name: str, jwk: dict[str, Any]) -> Any:
    """The key object behind a JWK made by this module, private or public."""
    return algorithm_named(name).from_jwk(json.dumps(jwk))


def _to_jwk(algorithm: Algorithm, key: Any) -> dict[str, Any]:
    jwk = dict(algorithm.to_jwk(key, as_dict=True))
    # ``key_ops`` is optional, and Better Auth's sets do not carry it.
    jwk.pop("key_ops", None)
    return jwk
