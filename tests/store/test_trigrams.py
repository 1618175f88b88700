"""What trigrams may and must narrow a search to."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.crypto.index_cipher import IndexCipher
from django_jazzauth.sealed.matching import match
from django_jazzauth.store.trigrams import LOOKUPS, terms_for, terms_of, tokens_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(
    "aAäÄsSßıİiIσςΣe\u0301\u0308ﬁ\u00ad ", max_size=12
)
CIPHER = IndexCipher(os.urandom(64), 1, b"test")


@given(TEXT, TEXT, TEXT, st.sampled_from(sorted(LOOKUPS)))
def test_nothing_that_matches_is_left_out(before: str, part: str, behind: str, lookup: str) -> None:
    for text in (before + part + behind, part + behind, before + part, part, part.swapcase()):
        if match(lookup, text, part):
            assert terms_for(lookup, part) <= terms_of(text)
            assert tokens_of(CIPHER, terms_for(lookup, part)) <= tokens_of(CIPHER, terms_of(text))


def test_beginnings_and_ends_are_told_apart() -> None:
    assert terms_for("istartswith", "an") == {"\x02an"}
    assert terms_for("iendswith", "NA") == {"na\x03"}
    assert terms_for("icontains", "an") == set()
    assert terms_for("icontains", "Anna") == {"ann", "nna"}
    assert not terms_for("istartswith", "na") <= terms_of("Anna")


def test_another_key_makes_other_tokens() -> None:
    other = IndexCipher(os.urandom(64), 1, b"test")
    terms = terms_of("somebody with a name")
    assert tokens_of(CIPHER, terms) != tokens_of(other, terms)
    assert all(0 <= token < 65536 for token in tokens_of(CIPHER, terms))
