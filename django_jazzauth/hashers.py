"""Password hashers: the default argon2id profile and imported Better Auth hashes.

Both hash the password in Unicode normal form NFKC, as Better Auth does, so that a password
typed on another keyboard or platform is the same password, whether it reaches Django through
the API, a form or the admin.

Put them first and second in ``PASSWORD_HASHERS``; Django then verifies old hashes with the
hasher that made them and replaces them at the next successful sign-in::

    PASSWORD_HASHERS = [
        "django_jazzauth.hashers.Argon2idPasswordHasher",
        "django_jazzauth.hashers.BetterAuthScryptHasher",
        "django_jazzauth.hashers.PBKDF2PasswordHasher",
    ]

They hash in the bounded pool of ``hashing_pool``; any other hasher does so with :func:`pooled`
around its ``encode`` and ``verify``.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Callable
from functools import cache, partial, wraps
from typing import Any, ParamSpec, TypeVar

import argon2
from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    BasePasswordHasher,
    check_password,
    get_hasher,
    make_password,
    mask_hash,
)
from django.contrib.auth.hashers import PBKDF2PasswordHasher as DjangoPBKDF2PasswordHasher
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_noop as _

from .errors import JazzAuthError
from .hashing_pool import hashing_pool

_P = ParamSpec("_P")
_Result = TypeVar("_Result")
_MARK = "runs_in_the_hashing_pool"

LONGEST_NORMALISED = 2048
"""Characters of a password up to which it is normalised. The time that it takes grows with the
square of a run of combining marks: a body full of them would keep a server busy for an hour."""


class ImproperPasswordHash(JazzAuthError):
    """A text that is to be imported as a password hash is not one. Never carries the text."""

    code = "IMPROPER_PASSWORD_HASH"


def normalise_password(password: str | bytes) -> str:
    """Return the password in normal form NFKC, the form in which it is measured and hashed.

    One of more than :data:`LONGEST_NORMALISED` characters stays as it is.

    Args:
        password: as typed; bytes are taken as UTF-8.
    """
    if isinstance(password, bytes):
        password = password.decode("utf-8", "surrogateescape")
    if len(password) > LONGEST_NORMALISED:
        return password
    return unicodedata.normalize("NFKC", password)


def _octets(password: str | bytes) -> bytes:
    # Lone surrogates cannot be typed, but JSON can carry them: they hash to something
    # definite instead of raising an encoding error half-way through a sign-in.
    return normalise_password(password).encode("utf-8", "surrogatepass")


def verify_against_nobody(password: str) -> None:
    """Do the work of refusing a wrong password, for a user who does not exist.

    The very same steps as for one who does (verifying against a hash of the preferred kind), so
    that the time of the answer does not tell who has an account.

    Args:
        password: as typed.
    """
    check_password(password, _hash_of_nobody(get_hasher().algorithm))


def pooled(method: Callable[_P, _Result]) -> Callable[_P, _Result]:
    """Let a hasher's ``encode`` or ``verify`` run in the pool of ``hashing_pool``.

    It stands here, below every view, so that the API, Django's login form, the admin and DRF's
    ``BasicAuthentication`` share one bound. The methods raise :class:`~.errors.HashingBusy` then.

    Args:
        method: of a password hasher.
    """

    @wraps(method)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _Result:
        return hashing_pool().run(partial(method, *args, **kwargs))

    vars(run)[_MARK] = True
    return run


def is_pooled(hasher: BasePasswordHasher) -> bool:
    """Whether both ``encode`` and ``verify`` of a hasher run in the pool."""
    return all(hasattr(method, _MARK) for method in (hasher.encode, hasher.verify))


@cache
def _hash_of_nobody(algorithm: str) -> str:
    return make_password(secrets.token_hex(16), hasher=algorithm)


class Argon2idPasswordHasher(Argon2PasswordHasher):
    """argon2id with 19 MiB, two passes, one lane (OWASP's first recommended profile; RFC 9106).

    It has an algorithm name of its own because it hashes the NFKC form: a hash made by
    Django's ``argon2`` hasher stays with that one and is replaced at the next sign-in.
    """

    algorithm = "argon2id"
    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1

    @pooled
    def encode(self, password: str, salt: str) -> str:
        """Hash ``password`` (NFKC) with ``salt``; returns ``argon2id$argon2id$v=19$…``."""
        params = self.params()
        data = argon2.low_level.hash_secret(
            _octets(password),
            salt.encode(),
            time_cost=params.time_cost,
            memory_cost=params.memory_cost,
            parallelism=params.parallelism,
            hash_len=params.hash_len,
            type=params.type,
        )
        return self.algorithm + data.decode("ascii")

    @pooled
    def verify(self, password: str, encoded: str) -> bool:
        """Whether ``password`` (NFKC) is the one that ``encoded`` was made from."""
        data = encoded.removeprefix(self.algorithm).encode("ascii")
        try:
            return argon2.low_level.verify_secret(data, _octets(password), argon2.Type.ID)
        except argon2.exceptions.VerificationError:
            return False


class PBKDF2PasswordHasher(DjangoPBKDF2PasswordHasher):
    """Django's own, in the pool: for the hashes that a project brings along."""

    encode = pooled(DjangoPBKDF2PasswordHasher.encode)
    verify = pooled(DjangoPBKDF2PasswordHasher.verify)


class BetterAuthScryptHasher(BasePasswordHasher):
    """Verifies the scrypt hashes of Better Auth's ``account`` table (N 16384, r 16, p 1).

    Better Auth stores ``salt:key`` in lower-case hex, and what goes into scrypt is the hex
    *text* of the salt. :meth:`from_better_auth` turns that into Django's ``$`` form for
    ``user.password``. As long as another hasher stands first in ``PASSWORD_HASHERS``, the hash
    is replaced by that one's when its owner next signs in.
    """

    algorithm = "better_auth_scrypt"
    work_factor = 16384
    block_size = 16
    parallelism = 1
    key_length = 64
    # 128·N·r bytes are needed; OpenSSL refuses at exactly that, hence twice as much.
    memory_limit = 2 * 128 * work_factor * block_size

    _imported = re.compile(r"([0-9a-f]{32}):([0-9a-f]{128})")

    @classmethod
    def from_better_auth(cls, text: str) -> str:
        """Turn Better Auth's ``salt:key`` into the text for Django's ``password`` field.

        Raises:
            ImproperPasswordHash: when ``text`` is not of that form.
        """
        match = cls._imported.fullmatch(text)
        if match is None:
            raise ImproperPasswordHash("not a Better Auth password hash (salt:key in hex)")
        return f"{cls.algorithm}${match[1]}${match[2]}"

    def salt(self) -> str:
        """16 random bytes in hex."""
        return secrets.token_hex(16)

    @pooled
    def encode(self, password: str, salt: str) -> str:
        """Hash ``password`` (NFKC) with the hex text ``salt``."""
        key = hashlib.scrypt(
            _octets(password),
            salt=salt.encode("ascii"),
            n=self.work_factor,
            r=self.block_size,
            p=self.parallelism,
            maxmem=self.memory_limit,
            dklen=self.key_length,
        )
        return f"{self.algorithm}${salt}${key.hex()}"

    def decode(self, encoded: str) -> dict[str, Any]:
        """Split the stored text into algorithm, salt and hash."""
        algorithm, salt, key = encoded.split("$", 2)
        if algorithm != self.algorithm:
            raise ImproperPasswordHash("not a hash of this algorithm")
        return {"algorithm": algorithm, "salt": salt, "hash": key}

    @pooled
    def verify(self, password: str, encoded: str) -> bool:
        """Whether ``password`` (NFKC) is the one that ``encoded`` was made from."""
        return constant_time_compare(encoded, self.encode(password, self.decode(encoded)["salt"]))

    def safe_summary(self, encoded: str) -> dict[Any, Any]:
        """What the admin shows of a hash: salt and key masked."""
        decoded = self.decode(encoded)
        return {
            _("algorithm"): decoded["algorithm"],
            _("salt"): mask_hash(decoded["salt"]),
            _("hash"): mask_hash(decoded["hash"]),
        }

    def must_update(self, encoded: str) -> bool:
        """False: the parameters are fixed; Django replaces the hash because the hasher differs."""
        return False

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing to make up for: every hash costs the same."""
