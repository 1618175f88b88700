"""What each stored key is sealed under and bound to, without any database.

``docs/format.md`` gives the bytes.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ..crypto.derive import derive_key
from ..crypto.envelope import Envelope, HeadCipher
from ..crypto.framing import frame
from ..crypto.hpke import seal_to
from ..crypto.index_cipher import KEY_BYTES as INDEX_KEY_BYTES
from ..crypto.index_cipher import MAX_GENERATION, IndexCipher
from .provider import KeyProvider, SealedGrant, grant_info

KEY_BYTES = 32
_ID_BYTES = 16
_PUBLIC_BYTES = 32
_SIGNATURE_BYTES = 64

_DATA_KEY = frame("jazzauth/data-key/1")


class EpochKey:
    """The key of one epoch and what follows from it. Shows nothing of the key.

    Args:
        id: the epoch's 16-byte id.
        number: the epoch's number, from 1.
        key: 32 bytes.
    """

    __slots__ = ("_data_keys", "_endorsements", "_key", "_previous", "_roots", "id", "number")

    def __init__(self, id: bytes, number: int, key: bytes) -> None:
        self.id = id
        self.number = number
        self._key = key
        self._data_keys = Envelope(derive_key(key, "data-key-wrap"))
        self._roots = Envelope(derive_key(key, "index-root-wrap"))
        self._previous = Envelope(derive_key(key, "previous-epoch-wrap"))
        self._endorsements = Envelope(derive_key(key, "endorsement"))

    def __repr__(self) -> str:
        return f"<EpochKey {self.number}>"

    def head_cipher(self, entity: str) -> HeadCipher:
        """The cipher of the heads of one kind of entity."""
        return HeadCipher(derive_key(self._key, "head", entity.encode()))

    # -- data keys ----------------------------------------------------------------------------

    def wrap_data_key(self, id: bytes, subject: str, key: bytes) -> bytes:
        """Seal a subject's data key."""
        return self._data_keys.seal(key, _DATA_KEY + frame(id, subject, self.id))

    def unwrap_data_key(self, id: bytes, subject: str, wrapped: bytes) -> bytes:
        """Open a subject's data key.

        Raises:
            EnvelopeError: changed, or of another key, subject or epoch.
        """
        return self._data_keys.open(wrapped, _DATA_KEY + frame(id, subject, self.id))

    # -- index roots --------------------------------------------------------------------------

    def wrap_index_root(self, generation: int, root: bytes) -> bytes:
        """Seal an index root."""
        return self._roots.seal(root, frame("jazzauth/index-root/1", generation, self.id))

    def unwrap_index_root(self, generation: int, wrapped: bytes) -> bytes:
        """Open an index root.

        Raises:
            EnvelopeError: changed, or of another generation or epoch.
        """
        return self._roots.open(wrapped, frame("jazzauth/index-root/1", generation, self.id))

    def seal_generations(self, generations: Iterable[int]) -> bytes:
        """Say, for holders of this epoch's key, which index roots are not destroyed.

        Args:
            generations: their numbers.

        Returns:
            An HMAC-SHA256 (RFC 2104), 32 bytes.
        """
        # A table can hold any number; no generation is larger than a byte.
        numbers = bytes(number for number in sorted(generations) if 0 <= number <= MAX_GENERATION)
        named = frame("jazzauth/index-seal/1", self.id, numbers)
        return hmac.digest(derive_key(self._key, "index-seal"), named, "sha256")

    # -- other epochs, other workers ----------------------------------------------------------

    def wrap_previous(self, previous: EpochKey) -> bytes:
        """Seal the key of the epoch before, so that whoever has this one has that one too."""
        return self._previous.seal(
            previous._key, frame("jazzauth/previous-epoch/1", self.id, previous.id)
        )

    def unwrap_previous(self, previous_id: bytes, wrapped: bytes) -> bytes:
        """Open the key of the epoch before.

        Raises:
            EnvelopeError: changed, or of other epochs.
        """
        aad = frame("jazzauth/previous-epoch/1", self.id, previous_id)
        return self._previous.open(wrapped, aad)

    @property
    def public_key(self) -> bytes:
        """The Ed25519 public key (RFC 8032) that follows from this epoch's key, 32 bytes."""
        return self._signing_key().public_key().public_bytes_raw()

    def name_successor(self, successor: EpochKey) -> bytes:
        """Sign, as a holder of this epoch's key, which epoch comes after it.

        It outlives the key: who went on from this epoch can check the one after it with the public
        key alone. See :func:`read_succession`.
        """
        named = successor.id + successor.public_key
        return named + self._signing_key().sign(_succession(self.id, named))

    def _signing_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(derive_key(self._key, "succession"))

    def grant(self, worker_id: str, suite: str, public_key: bytes) -> bytes:
        """Seal this epoch's key to a worker.

        Raises:
            UnknownSuite, ImproperPublicKey: as :func:`~django_jazzauth.crypto.hpke.seal_to`.
        """
        return seal_to(suite, public_key, self._key, grant_info(self.id, worker_id, suite))

    def endorse(self, worker_id: str, suite: str, public_key: bytes) -> bytes:
        """Vouch, for holders of this epoch's key, that the public key is that worker's."""
        aad = frame("jazzauth/endorsement/1", self.id, worker_id, suite)
        return self._endorsements.seal(public_key, aad)

    def endorsed(self, worker_id: str, suite: str, endorsement: bytes) -> bytes:
        """The public key that was vouched for.

        Raises:
            EnvelopeError: nobody who held this epoch's key vouched for it.
        """
        aad = frame("jazzauth/endorsement/1", self.id, worker_id, suite)
        return self._endorsements.open(endorsement, aad)


def open_grant(worker: KeyProvider, epoch_id: bytes, suite: str, sealed: bytes) -> bytes:
    """The epoch key in a grant to ``worker``.

    Raises:
        EnvelopeError: made for another worker, epoch or suite, or changed.
        UnknownSuite: the suite is of a newer release.
        KeyProviderFailed: what holds the private key cannot be asked.
    """
    return worker.unseal(SealedGrant(epoch_id, worker.worker_id, suite, sealed))


def read_succession(id: bytes, public_key: bytes, succession: bytes) -> tuple[bytes, bytes] | None:
    """Id and public key of the epoch that a retired one named its successor.

    Args:
        id: the retired epoch's 16-byte id.
        public_key: its Ed25519 public key, 32 bytes.
        succession: what :meth:`EpochKey.name_successor` made.

    Returns:
        None if no holder of that epoch's key made it.
    """
    end = _ID_BYTES + _PUBLIC_BYTES
    named, signature = succession[:end], succession[end:]
    if len(signature) != _SIGNATURE_BYTES:
        return None
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, _succession(id, named))
    except InvalidSignature:
        return None
    return named[:_ID_BYTES], named[_ID_BYTES:]


def _succession(id: bytes, named: bytes) -> bytes:
    return frame("jazzauth/succession/1", id, named[:_ID_BYTES], named[_ID_BYTES:])


def index_cipher(root: bytes, generation: int, entity: str, field: str) -> IndexCipher:
    """The cipher of one searchable column under one generation's root."""
    context = frame(entity, field)
    return IndexCipher(derive_key(root, "index", context, INDEX_KEY_BYTES), generation, context)
