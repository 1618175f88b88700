"""A worker's anchor: which epoch it last opened, under a key that follows from its own secret.

Anybody can seal an epoch to a worker's public key. Nobody but the worker can make its anchor, so a
process that starts knows by it which epoch to go on from. ``docs/format.md`` gives the bytes.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from ..crypto.envelope import FORMAT
from ..crypto.framing import frame
from ..errors import KeyProviderFailed
from .provider import KeyProvider
from .wrapping import EpochKey

ID_BYTES = 16
_PUBLIC_BYTES = 32
_NUMBER_BYTES = 4
_MIN_MAC = 16
_MAX_MAC = 64
_HEADER = len(FORMAT) + ID_BYTES + _PUBLIC_BYTES + _NUMBER_BYTES


@dataclass(frozen=True, slots=True)
class Anchor:
    """An epoch to go on from.

    Attributes:
        id: the epoch's 16-byte id.
        public_key: its Ed25519 public key, 32 bytes; it commits to the epoch's key.
        number: the epoch's number, from 1.
    """

    id: bytes
    public_key: bytes
    number: int

    @classmethod
    def of(cls, epoch: EpochKey) -> Anchor:
        """The anchor at an epoch whose key is known."""
        return cls(epoch.id, epoch.public_key, epoch.number)

    @property
    def fingerprint(self) -> str:
        """``e_`` and 32 hex digits: what people compare, and what `worker trust` takes."""
        named = frame("jazzauth/epoch-fingerprint/1", self.id, self.public_key)
        return "e_" + sha256(named).hexdigest()[:32]


def can_anchor(worker: KeyProvider) -> bool:
    """Whether a key provider can make anchors: it has the optional method ``mac``."""
    return callable(getattr(worker, "mac", None))


def make_anchor(worker: KeyProvider, epoch: EpochKey) -> bytes | None:
    """A worker's anchor at an epoch, as it is stored.

    Args:
        worker: whose anchor it is.
        epoch: what it opened.

    Returns:
        None if the worker's key provider cannot make any.

    Raises:
        KeyProviderFailed: what holds the worker's keys cannot be asked, or gives no MAC.
    """
    if not can_anchor(worker):
        return None
    anchor = Anchor.of(epoch)
    number = anchor.number.to_bytes(_NUMBER_BYTES, "big")
    return FORMAT + anchor.id + anchor.public_key + number + _mac(worker, anchor)


def read_anchor(worker: KeyProvider, stored: bytes) -> Anchor | None:
    """What an anchor says.

    Args:
        worker: whose anchor it should be; it can make anchors.
        stored: from :func:`make_anchor`.

    Returns:
        None if this worker did not make it.

    Raises:
        KeyProviderFailed: as :func:`make_anchor`.
    """
    anchor = peek(stored)
    if anchor is None or not hmac.compare_digest(stored[_HEADER:], _mac(worker, anchor)):
        return None
    return anchor


def peek(stored: bytes) -> Anchor | None:
    """What an anchor says, whoever made it; None if it has another form."""
    if len(stored) <= _HEADER or not stored.startswith(FORMAT):
        return None
    key = len(FORMAT) + ID_BYTES
    number = key + _PUBLIC_BYTES
    return Anchor(
        stored[len(FORMAT) : key],
        stored[key:number],
        int.from_bytes(stored[number:_HEADER], "big"),
    )


def _mac(worker: KeyProvider, anchor: Anchor) -> bytes:
    mac: Callable[[bytes], bytes] = worker.mac  # type: ignore[attr-defined]  # see can_anchor
    made = mac(
        frame("jazzauth/anchor/1", worker.worker_id, anchor.id, anchor.public_key, anchor.number)
    )
    if not isinstance(made, bytes) or not _MIN_MAC <= len(made) <= _MAX_MAC:
        raise KeyProviderFailed(
            f"What `mac` of {type(worker).__name__} returns is no MAC: {_MIN_MAC} to {_MAX_MAC} "
            "bytes are wanted, the same for the same data."
        )
    return made
