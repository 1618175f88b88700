"""The people in the databases: the n-th person is the same on both sides and in every run.

Nothing has to be remembered to find a person again, so a database of a million costs no memory.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

_GIVEN = ("Ada", "Béla", "Chidi", "Dagny", "Emil", "Fatima", "Grace", "Hiro", "Inés", "Jürgen")
_FAMILY = ("Lovelace", "Okafor", "Ørsted", "Nakamura", "García", "Hopper", "Kowalska", "Smith")
PASSWORD = "a password that everybody has"
"""Of everybody, where a password matters at all."""

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def _octets(number: int, what: str) -> bytes:
    return hashlib.sha256(f"{what} {number}".encode()).digest()


def person_id(number: int) -> uuid.UUID:
    """Their primary key: looks random, as real ones do."""
    return uuid.UUID(bytes=_octets(number, "id")[:16], version=4)


def email(number: int) -> str:
    """Their address."""
    return f"person.{number:07d}@example.org"


def username(number: int) -> str:
    """Their username."""
    return f"person_{number:07d}"


def session_key(number: int) -> str:
    """The token of the session that they have in the prepared databases."""
    return _octets(number, "session").hex()[:32]


def person(number: int) -> dict[str, Any]:
    """The fields of a user, with a password hash of the usual length."""
    given, family = _GIVEN[number % len(_GIVEN)], _FAMILY[number % len(_FAMILY)]
    return {
        "id": person_id(number),
        "username": username(number),
        "email": email(number),
        "name": f"{given} {family}",
        "password": f"argon2id$argon2id$v=19$m=19456,t=2,p=1${_octets(number, 'hash').hex()}",
        "email_verified": number % 4 != 0,
    }


def client(number: int) -> tuple[str, str]:
    """Address and browser that a person signs in from."""
    return f"198.51.100.{number % 250 + 1}", _BROWSER


def key_at(share: float) -> uuid.UUID:
    """The key below which that share of all possible keys lies (0 to 1)."""
    return uuid.UUID(int=min(int(share * 2**128), 2**128 - 1))
