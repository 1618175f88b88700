"""Password hashes."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import check_password, identify_hasher, make_password

from django_jazzauth.hashers import (
    LONGEST_NORMALISED,
    Argon2idPasswordHasher,
    BetterAuthScryptHasher,
    ImproperPasswordHash,
    normalise_password,
)

VECTORS = json.loads(
    (Path(__file__).parent.parent / "data" / "better-auth" / "vectors.json").read_text("utf-8")
)["passwordHashes"]
HASHERS = [
    "django_jazzauth.hashers.Argon2idPasswordHasher",
    "django_jazzauth.hashers.BetterAuthScryptHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]


@pytest.fixture(autouse=True)
def _hashers(settings: Any) -> None:
    settings.PASSWORD_HASHERS = HASHERS


@pytest.mark.parametrize("vector", VECTORS, ids=["ascii", "unicode", "long"])
def test_better_auth_vectors(vector: dict[str, str]) -> None:
    encoded = BetterAuthScryptHasher.from_better_auth(vector["hash"])
    hasher = identify_hasher(encoded)
    assert isinstance(hasher, BetterAuthScryptHasher)
    assert hasher.verify(vector["password"], encoded)
    assert hasher.verify(vector.get("alsoAccepts", vector["password"]), encoded)
    assert not hasher.verify(vector["password"] + "x", encoded)
    salt, key = vector["hash"].split(":")
    assert hasher.encode(vector["password"], salt) == encoded
    assert key[10:] not in str(hasher.safe_summary(encoded))


def test_an_imported_hash_is_replaced_at_sign_in() -> None:
    user: Any = get_user_model().objects.create_user("alice")
    user.password = BetterAuthScryptHasher.from_better_auth(VECTORS[0]["hash"])
    user.save()
    assert not user.check_password("wrong")
    assert user.password.startswith("better_auth_scrypt$")
    assert user.check_password(VECTORS[0]["password"])
    user.refresh_from_db()
    assert user.password.startswith("argon2id$argon2id$v=19$m=19456,t=2,p=1$")
    assert user.check_password(VECTORS[0]["password"])


@pytest.mark.parametrize("text", ["", "abc", "a:b", VECTORS[0]["hash"].upper(), "x" + "0" * 160])
def test_improper_imports(text: str) -> None:
    with pytest.raises(ImproperPasswordHash) as refused:
        BetterAuthScryptHasher.from_better_auth(text)
    assert not text or text not in str(refused.value)


def test_argon2id_profile() -> None:
    encoded = make_password("pässwörd-ﬁ-①")
    assert encoded.startswith("argon2id$argon2id$v=19$m=19456,t=2,p=1$")
    assert len(encoded) < 255
    assert check_password("pässwörd-fi-1", encoded)
    assert not check_password("passwort-fi-1", encoded)
    assert not Argon2idPasswordHasher().must_update(encoded)
    assert Argon2idPasswordHasher().safe_summary(encoded)


def test_changed_parameters_ask_for_an_update() -> None:
    class Weaker(Argon2idPasswordHasher):
        memory_cost = 8 * 1024

    hasher = Weaker()
    encoded = hasher.encode("password-1", hasher.salt())
    assert Argon2idPasswordHasher().must_update(encoded)
    assert Argon2idPasswordHasher().verify("password-1", encoded)


def test_stock_argon2_hashes_are_upgraded() -> None:
    encoded = make_password("password-1", hasher="argon2")
    upgraded: list[str] = []
    assert check_password("password-1", encoded, upgraded.append)
    assert upgraded == ["password-1"]


def test_half_characters_hash_to_something_definite() -> None:
    encoded = make_password("\ud800password")
    assert check_password("\ud800password", encoded)
    assert not check_password("\ud801password", encoded)
    assert normalise_password(b"abc") == "abc"


def test_what_is_too_long_to_be_normalised_in_time_is_hashed_as_it_is() -> None:
    """A run of combining marks takes time that grows with its square: minutes for a megabyte."""
    marks = "\u0327\u0301"
    short, long = "e" + marks * 100, "e" + marks * (LONGEST_NORMALISED // 2)
    assert normalise_password(short) == unicodedata.normalize("NFKC", short) != short
    assert len(long) == LONGEST_NORMALISED + 1
    assert normalise_password(long) == long
    encoded = make_password(long)
    assert check_password(long, encoded)
    assert not check_password(unicodedata.normalize("NFKC", long), encoded)
