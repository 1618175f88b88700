from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.identity import (
    InvalidSeed,
    derive_public_key,
    derive_user_id,
    generate_seed,
    seed_from_text,
    seed_to_text,
    user_id_of,
)
from tests.identity.tokens import SEED


def test_generated_seeds() -> None:
    seeds = {generate_seed() for _ in range(100)}
    assert len(seeds) == 100
    assert {len(seed) for seed in seeds} == {32}


@given(st.binary(min_size=32, max_size=32))
def test_text_form(seed: bytes) -> None:
    text = seed_to_text(seed)
    assert len(text) == 43
    assert seed_from_text(text) == seed


def test_user_ids() -> None:
    user_id = derive_user_id(SEED)
    assert user_id.version == 5
    assert user_id == user_id_of(derive_public_key(SEED))


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_bytes_like_seeds(kind: Any) -> None:
    assert derive_user_id(kind(SEED)) == derive_user_id(SEED)


@pytest.mark.parametrize(
    "wrong", [b"", bytes(31), bytes(33), bytes(64), "A" * 43, None, 32, [0] * 32]
)
@pytest.mark.parametrize("use", [derive_user_id, derive_public_key, seed_to_text])
def test_not_32_bytes(use: Any, wrong: Any) -> None:
    with pytest.raises(InvalidSeed) as caught:
        use(wrong)
    assert caught.value.code == "INVALID_SEED"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s3cret!!", "seed base64 decode error: Invalid symbol 33, offset 6."),
        ("A" * 43 + "=", "seed base64 decode error: Invalid padding"),
        ("A" * 42 + "B", "seed base64 decode error: Invalid last symbol 66, offset 42."),
        ("A" * 42, "seed must be exactly 32 bytes"),
        ("", "seed must be exactly 32 bytes"),
        ("A" * 44, "seed must be exactly 32 bytes"),
        (b"A" * 43, "seed must be text"),
        (None, "seed must be text"),
    ],
)
def test_not_a_text_form(text: Any, message: str) -> None:
    with pytest.raises(InvalidSeed) as caught:
        seed_from_text(text)
    assert str(caught.value) == message
    assert "s3cret" not in str(caught.value)
