"""A worker's card: its public keys as text, to be handed to another worker."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

from ..crypto.hpke import SUITES, public_key_length
from ..errors import ImproperCard
from .provider import KeyProvider
from .secret import fingerprint

PREFIX = "jazzauth-card-1-"
_BODY = re.compile("[A-Za-z0-9_-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Card:
    """The public keys of one worker, by suite. Nothing in it is secret.

    Who is handed one compares :attr:`worker_id` with the id that the worker's owner named.
    """

    public_keys: dict[str, bytes] = field(repr=False)

    @classmethod
    def of(cls, worker: KeyProvider) -> Card:
        """The card of a worker."""
        return cls({suite: worker.public_key(suite) for suite in SUITES})

    @property
    def worker_id(self) -> str:
        """The id that follows from the keys."""
        return fingerprint(self.public_keys)

    def to_text(self) -> str:
        """The text form: ``jazzauth-card-1-`` and base64url (RFC 4648) without padding."""
        raw = b"".join(self.public_keys[suite] for suite in SUITES)
        return PREFIX + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    @classmethod
    def from_text(cls, text: str) -> Card:
        """Read the text form.

        Raises:
            ImproperCard: it is none, or was cut short.
        """
        text = "".join(text.split())
        if not text.startswith(PREFIX):
            raise ImproperCard(f"A worker's card begins with {PREFIX!r}; this text does not.")
        body = text[len(PREFIX) :]
        if not _BODY.fullmatch(body):
            raise ImproperCard("The card holds characters that no card has.")
        try:
            raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        except binascii.Error:
            raise ImproperCard("The card was cut short; copy all of it.") from None
        lengths = {suite: public_key_length(suite) for suite in SUITES}
        if len(raw) != sum(lengths.values()):
            raise ImproperCard("The card is too short or too long; copy all of it.")
        keys, start = {}, 0
        for suite, length in lengths.items():
            keys[suite] = raw[start : start + length]
            start += length
        return cls(keys)
