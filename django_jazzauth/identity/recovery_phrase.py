"""The recovery phrase: a seed written as 24 words for a person to keep.

The 32 bytes are BIP 39 entropy with the English list; no passphrase and no key stretching, so that
the phrase *is* the secret. It belongs on the user's device and on their paper: a server should
never ask for a phrase, receive one or store one. This module is for clients and tools.
"""

from __future__ import annotations

import base64
import re
from functools import cache

from mnemonic import Mnemonic

from django_jazzauth.identity.errors import RecoveryPhraseError
from django_jazzauth.identity.seed import SEED_LENGTH
from django_jazzauth.identity.wording import shown

PHRASE_LENGTH = 24
"""Words in a phrase."""

_LONGEST_WORD_SHOWN = 32

# What JavaScript's \s matches (ECMA-262 section 22.2.2.9). Python's own set has U+001C to U+001F
# and U+0085 too, and lacks U+FEFF.
_SPACES = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_WORD = re.compile(f"[^{_SPACES}]+")

# What browsers' atob() drops before it decodes (WHATWG Infra, "forgiving-base64 decode").
_ATOB_IGNORED = re.compile(r"[\t\n\f\r ]")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*")
_TO_STANDARD = str.maketrans("-_", "+/")


class RecoveryPhrase:
    """Turns a seed into its recovery phrase and back."""

    @staticmethod
    def from_secret(secret: bytes | str) -> str:
        """Return the 24 words of ``secret``, joined by single spaces.

        Args:
            secret: the 32-byte seed, or its base64url text. Of text, what Jazz tolerates is
                tolerated: standard base64 letters and padding.

        Raises:
            RecoveryPhraseError: ``invalid-secret``: not 32 bytes, or no base64. The message does
                not repeat the secret.
        """
        if isinstance(secret, str):
            data = _lenient_base64(secret)
        elif isinstance(secret, bytes | bytearray | memoryview):
            data = bytes(secret)
        else:
            raise RecoveryPhraseError("invalid-secret", "Secret must be a string")
        if len(data) != SEED_LENGTH:
            raise RecoveryPhraseError(
                "invalid-secret", f"Secret must decode to 32 bytes, got {len(data)}"
            )
        return _english().to_mnemonic(data)

    @staticmethod
    def to_secret(text: str) -> bytes:
        """Return the 32-byte seed behind a phrase.

        Args:
            text: 24 words in any case, with any white space (as JavaScript counts it) around them.

        Raises:
            RecoveryPhraseError: ``invalid-length`` (not text, or not 24 words), ``invalid-word``
                (the first word that is not in the list) or ``invalid-checksum``, in this order.
        """
        if not isinstance(text, str):
            raise RecoveryPhraseError("invalid-length", "Phrase must be a string")
        words = _WORD.findall(text.lower())
        if len(words) != PHRASE_LENGTH:
            raise RecoveryPhraseError(
                "invalid-length", f"Expected {PHRASE_LENGTH} words, got {len(words)}"
            )
        for number, word in enumerate(words, start=1):
            if word not in _english_words():
                raise RecoveryPhraseError(
                    "invalid-word",
                    f'Word {number} ("{shown(word[:_LONGEST_WORD_SHOWN])}") '
                    "is not in the recovery word list",
                )
        try:
            return bytes(_english().to_entropy(words))
        except ValueError:
            raise RecoveryPhraseError(
                "invalid-checksum", "Recovery phrase checksum is invalid"
            ) from None


@cache
def _english() -> Mnemonic:
    return Mnemonic("english")


@cache
def _english_words() -> frozenset[str]:
    return frozenset(_english().wordlist)


def _lenient_base64(text: str) -> bytes:
    """Decode as Jazz's client does: pad to a multiple of four, then as ``atob()``."""
    padded = text + "=" * (-len(text) % 4)
    letters = _ATOB_IGNORED.sub("", padded.translate(_TO_STANDARD))
    if len(letters) % 4 == 0:
        letters = re.sub(r"={1,2}\Z", "", letters)
    if len(letters) % 4 == 1 or not _BASE64.fullmatch(letters):
        raise RecoveryPhraseError("invalid-secret", "Secret is not valid base64url")
    return base64.b64decode(letters + "=" * (-len(letters) % 4))
