"""The worker secret: 32 bytes outside the database, from which a worker's key pairs follow."""

from __future__ import annotations

import base64
import hmac
import os
from hashlib import sha256
from typing import NoReturn

from django.views.decorators.debug import sensitive_variables

from ..crypto.derive import derive_key
from ..crypto.framing import frame
from ..crypto.hpke import SUITES, HpkeKey
from ..errors import ImproperSecret
from .provider import SealedGrant

SECRET_BYTES = 32
CHECKSUM_BYTES = 3
FAMILY = "jazzauth-worker-"
PREFIX = FAMILY + "1-"

_ALPHABET = frozenset("abcdefghijklmnopqrstuvwxyz234567")
_BODY_LENGTH = (SECRET_BYTES + CHECKSUM_BYTES) * 8 // 5
_HINT = "Copy it again from where `manage.py jazzauth init` put it."


class WorkerSecret:
    """A worker's secret. Shows nothing of itself in ``repr``, ``str``, formatting or pickles.

    Args:
        secret: 32 random bytes.

    Raises:
        ImproperSecret: of another length.
    """

    __slots__ = ("_keys", "_secret", "_worker_id")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise ImproperSecret(f"a worker secret has {SECRET_BYTES} bytes, not {len(secret)}")
        self._secret = bytes(secret)
        self._keys: dict[str, HpkeKey] = {}
        self._worker_id: str | None = None

    @classmethod
    def generate(cls) -> WorkerSecret:
        """A new secret from the operating system's random source."""
        return cls(os.urandom(SECRET_BYTES))

    @classmethod
    @sensitive_variables()
    def from_text(cls, text: str) -> WorkerSecret:
        """Read the text form. Blanks around it, and capital letters, do no harm.

        Raises:
            ImproperSecret: it was mistyped or cut short; the message says where.
        """
        body = _body(text)
        raw = base64.b32decode(body.upper())
        secret, checksum = raw[:SECRET_BYTES], raw[SECRET_BYTES:]
        if not hmac.compare_digest(checksum, _checksum(secret)):
            raise ImproperSecret(
                "The checksum of the worker secret does not fit: at least one character is wrong "
                f"or two are swapped. {_HINT}"
            )
        return cls(secret)

    def to_text(self) -> str:
        """The text form: ``jazzauth-worker-1-`` and 56 letters and digits (base32, RFC 4648)."""
        raw = self._secret + _checksum(self._secret)
        return PREFIX + base64.b32encode(raw).decode().lower()

    @property
    def worker_id(self) -> str:
        """Fingerprint of the public keys: ``w_`` and 32 hex digits."""
        if self._worker_id is None:
            self._worker_id = fingerprint({suite: self.public_key(suite) for suite in SUITES})
        return self._worker_id

    def public_key(self, suite: str) -> bytes:
        """The public key's bytes for an HPKE suite.

        Raises:
            UnknownSuite: no suite of this name.
        """
        return self._key(suite).public_key

    def open(self, suite: str, sealed: bytes, info: bytes) -> bytes:
        """Open what was sealed to this worker.

        Raises:
            EnvelopeError: it was not, or was changed.
            UnknownSuite: no suite of this name.
        """
        return self._key(suite).open(sealed, info)

    def unseal(self, grant: SealedGrant) -> bytes:
        """The epoch key in a grant to this worker: a worker secret is a key provider.

        Raises:
            EnvelopeError, UnknownSuite: as :meth:`open`.
        """
        return self.open(grant.suite, grant.sealed, grant.info)

    def mac(self, data: bytes) -> bytes:
        """HMAC-SHA256 (RFC 2104) under a key that follows from the secret: for anchors."""
        return hmac.digest(derive_key(self._secret, "anchor"), data, "sha256")

    def _key(self, suite: str) -> HpkeKey:
        key = self._keys.get(suite)
        if key is None:
            key = self._keys[suite] = HpkeKey(suite, self._secret)
        return key

    def __repr__(self) -> str:
        return "<WorkerSecret>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WorkerSecret):
            return NotImplemented
        return hmac.compare_digest(self._secret, other._secret)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a worker secret cannot be pickled or copied")


def fingerprint(public_keys: dict[str, bytes]) -> str:
    """The id of the worker with these public keys, by suite."""
    parts = [part for suite in sorted(public_keys) for part in (suite, public_keys[suite])]
    return "w_" + sha256(frame("jazzauth/worker-id/1", *parts)).hexdigest()[:32]


def _checksum(secret: bytes) -> bytes:
    return sha256(frame("jazzauth/worker-secret/1", secret)).digest()[:CHECKSUM_BYTES]


@sensitive_variables()
def _body(text: str) -> str:
    if not isinstance(text, str):
        raise ImproperSecret(f"A worker secret is text, not {type(text).__name__}.")
    text = text.strip().lower()
    if not text.startswith(PREFIX):
        newer = text.startswith(FAMILY)
        raise ImproperSecret(
            "The worker secret is of a form that this release does not know: it should begin with "
            f"{PREFIX!r}."
            if newer
            else f"A worker secret begins with {PREFIX!r}; this text begins otherwise. {_HINT}"
        )
    body = text[len(PREFIX) :]
    for position, character in enumerate(body, start=len(PREFIX) + 1):
        if character not in _ALPHABET:
            raise ImproperSecret(
                f"The character at position {position} of the worker secret cannot be right: only "
                f"the letters a to z and the digits 2 to 7 occur there. {_HINT}"
            )
    if len(body) != _BODY_LENGTH:
        raise ImproperSecret(
            f"The worker secret has {len(body)} characters after {PREFIX!r}; "
            f"there should be {_BODY_LENGTH}. {_HINT}"
        )
    return body
