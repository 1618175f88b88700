from __future__ import annotations

import base64
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.errors import JazzAuthError
from django_jazzauth.identity import RecoveryPhrase, RecoveryPhraseError, seed_to_text
from tests.identity.tokens import SEED

PHRASE = RecoveryPhrase.from_secret(SEED)
WORDS = PHRASE.split()
JAVASCRIPT_SPACES = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
NO_SPACES_TO_JAVASCRIPT = "\u200b\u0085\u001c\u001d\u001e\u001f\u180e\u200c\u2060,-"


def refusal(text: Any) -> RecoveryPhraseError:
    with pytest.raises(RecoveryPhraseError) as caught:
        RecoveryPhrase.to_secret(text)
    return caught.value


@given(st.binary(min_size=32, max_size=32))
def test_round_trip(seed: bytes) -> None:
    phrase = RecoveryPhrase.from_secret(seed)
    assert len(phrase.split(" ")) == 24
    assert RecoveryPhrase.to_secret(phrase) == seed
    assert RecoveryPhrase.from_secret(seed_to_text(seed)) == phrase
    assert RecoveryPhrase.from_secret(base64.b64encode(seed).decode()) == phrase


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_bytes_like(kind: Any) -> None:
    assert RecoveryPhrase.from_secret(kind(SEED)) == PHRASE


@pytest.mark.parametrize("space", JAVASCRIPT_SPACES, ids=ascii)
def test_spaces(space: str) -> None:
    assert RecoveryPhrase.to_secret(space + (space + " ").join(WORDS) + space) == SEED
    assert RecoveryPhrase.to_secret(space.join(WORDS)) == SEED


@pytest.mark.parametrize("space", NO_SPACES_TO_JAVASCRIPT, ids=ascii)
def test_no_spaces(space: str) -> None:
    assert refusal(space.join(WORDS)).code == "invalid-length"
    assert refusal(PHRASE + space).code == "invalid-word"


def test_case_does_not_matter() -> None:
    assert RecoveryPhrase.to_secret(PHRASE.upper()) == SEED
    assert RecoveryPhrase.to_secret(PHRASE.title()) == SEED


@pytest.mark.parametrize("text", [None, 1, b"abandon", WORDS])
def test_not_text(text: Any) -> None:
    error = refusal(text)
    assert (error.code, str(error)) == ("invalid-length", "Phrase must be a string")


@pytest.mark.parametrize(
    "text", ["", "  ", "abandon", " ".join(WORDS[:23]), PHRASE + " art", "x " * 25]
)
def test_word_count_comes_before_the_words(text: str) -> None:
    assert refusal(text).code == "invalid-length"


def test_the_first_bad_word_is_named() -> None:
    error = refusal(" ".join([*WORDS[:4], "abandonn", *WORDS[5:23], "qqq"]))
    assert (error.code, str(error)) == (
        "invalid-word",
        'Word 5 ("abandonn") is not in the recovery word list',
    )


@pytest.mark.parametrize(
    "word", ["aban", "abandons", "ábaco", "あいこくしん", "的", "ﬁre", "\ud800"]
)
def test_no_prefixes_and_no_other_languages(word: str) -> None:
    assert refusal(" ".join([word, *WORDS[1:]])).code == "invalid-word"


def test_a_long_word_is_cut() -> None:
    error = refusal(" ".join(["z" * 10_000, *WORDS[1:]]))
    assert len(str(error)) < 100


@given(st.permutations(WORDS))
def test_the_order_counts(words: list[str]) -> None:
    try:
        seed = RecoveryPhrase.to_secret(" ".join(words))
    except RecoveryPhraseError as error:
        assert error.code == "invalid-checksum"
    else:
        assert RecoveryPhrase.from_secret(seed).split() == words


@given(st.text())
def test_any_text_is_a_phrase_or_refused(text: str) -> None:
    assert refusal(text).code in {"invalid-length", "invalid-word", "invalid-checksum"}


@pytest.mark.parametrize(
    "secret",
    [
        seed_to_text(SEED) + "=",
        "-" + "A" * 42,
        "+" + "A" * 42,
        "A" * 42 + "B",  # unused bits are dropped, as atob() does
        "A" * 20 + "\n" + "A" * 23,  # likewise white space
    ],
)
def test_what_jazz_tolerates(secret: str) -> None:
    assert len(RecoveryPhrase.from_secret(secret).split()) == 24


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        (None, "Secret must be a string"),
        (1, "Secret must be a string"),
        ([0] * 32, "Secret must be a string"),
        ("s3cret!", "Secret is not valid base64url"),
        ("A" * 41, "Secret is not valid base64url"),
        ("A" * 43 + "==", "Secret is not valid base64url"),
        ("A" * 44 + "=", "Secret is not valid base64url"),
        ("=" + "A" * 43, "Secret is not valid base64url"),
        ("A" * 42 + "é", "Secret is not valid base64url"),
        ("A" * 42 + "\ud800", "Secret is not valid base64url"),
        ("", "Secret must decode to 32 bytes, got 0"),
        ("A" * 44, "Secret must decode to 32 bytes, got 33"),
        (b"", "Secret must decode to 32 bytes, got 0"),
        (bytes(16), "Secret must decode to 32 bytes, got 16"),
        (seed_to_text(SEED).encode(), "Secret must decode to 32 bytes, got 43"),
    ],
)
def test_invalid_secrets(secret: Any, message: str) -> None:
    with pytest.raises(RecoveryPhraseError) as caught:
        RecoveryPhrase.from_secret(secret)
    assert (caught.value.code, str(caught.value)) == ("invalid-secret", message)
    assert caught.value.__cause__ is None


def test_errors_are_coded_and_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(refusal("")))
    assert isinstance(error, RecoveryPhraseError)
    assert isinstance(error, JazzAuthError)
    assert (error.code, error.message) == ("invalid-length", "Expected 24 words, got 0")
