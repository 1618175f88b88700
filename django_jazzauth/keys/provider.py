"""What holds a worker's private keys: the protocol, so that a KMS or an HSM can."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from ..crypto.framing import frame


@dataclass(frozen=True, slots=True)
class SealedGrant:
    """A grant as it stands in the database.

    Attributes:
        epoch_id: the epoch's 16-byte id.
        worker_id: whom it was made for.
        suite: HPKE suite, ``mlkem768-x25519`` or ``x25519``.
        sealed: its bytes; ``docs/format.md`` gives them.
    """

    epoch_id: bytes
    worker_id: str
    suite: str
    sealed: bytes = field(repr=False)

    @property
    def info(self) -> bytes:
        """HPKE's ``info``: what the epoch key in it is for, and whom."""
        return grant_info(self.epoch_id, self.worker_id, self.suite)


class KeyProvider(Protocol):
    """Stands for one worker; ``JAZZAUTH["KEY_PROVIDER"]`` names a class of this kind.

    A method more is optional, ``mac(data: bytes) -> bytes``: 16 to 64 bytes that nobody can make
    who does not have a key of this worker's, the same for the same data. The worker's *anchor* is
    made with it. Without it a process that starts cannot tell a genuine epoch (``jazzauth.W010``).
    """

    @property
    def worker_id(self) -> str:
        """Fingerprint of the public keys."""

    def public_key(self, suite: str) -> bytes:
        """The public key's bytes for an HPKE suite.

        Raises:
            UnknownSuite: no suite of this name.
        """

    def unseal(self, grant: SealedGrant) -> bytes:
        """The epoch key in a grant to this worker.

        Raises:
            EnvelopeError: it was made for another worker, epoch or suite, or was changed.
            KeyProviderFailed: what holds the private key cannot be asked.
        """


def grant_info(epoch_id: bytes, worker_id: str, suite: str) -> bytes:
    """HPKE's ``info`` of a grant: what its epoch key is for, and whom."""
    return frame("jazzauth/grant/1", epoch_id, worker_id, suite)
