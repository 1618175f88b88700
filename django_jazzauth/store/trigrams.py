"""Trigrams of a text, and the blind tokens that stand for them in the database.

A text contains a part only if it contains every three characters that follow each other in the
part. The database gets two bytes for each of them, made with the index key of the field: it can
tell which entities may contain a part, and not what the part is. That several trigrams share a
token costs a few heads that are opened in vain, and blurs what a dump shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from ..crypto.index_cipher import IndexCipher
from ..folding import fold_text

# Stand before and behind a text, so that its beginning and end can be looked up.
_START, _END = "\x02", "\x03"
_LENGTH = 3
TOKEN_BYTES = 2
# Behind format and generation: the synthetic IV, which is a pseudorandom function (RFC 5297).
_IV = slice(2, 2 + TOKEN_BYTES)

_ANCHORS = {
    "icontains": ("", ""),
    "istartswith": (_START, ""),
    "iendswith": ("", _END),
    "iexact": (_START, _END),
}
LOOKUPS = frozenset(_ANCHORS)
"""Lookups that trigrams can narrow: those that compare folded texts."""


def terms_of(text: str) -> set[str]:
    """Every trigram of a stored text, its beginning and end included."""
    return _terms(_START + fold_text(text) + _END)


def terms_for(lookup: str, text: str) -> set[str]:
    """The trigrams that a text must have to meet a lookup; none if any text may.

    Args:
        lookup: one of :data:`LOOKUPS`.
        text: what is looked for.
    """
    before, behind = _ANCHORS[lookup]
    return _terms(before + fold_text(text) + behind)


def tokens_of(cipher: IndexCipher, terms: Iterable[str]) -> set[int]:
    """The blind tokens of trigrams.

    Args:
        cipher: of the field, for this purpose alone.
        terms: trigrams.
    """
    return {_token(cipher, term) for term in terms}


def _terms(text: str) -> set[str]:
    return {text[at : at + _LENGTH] for at in range(len(text) - _LENGTH + 1)}


@lru_cache(maxsize=65_536)
def _token(cipher: IndexCipher, term: str) -> int:
    return int.from_bytes(cipher.seal(term.encode())[_IV])
