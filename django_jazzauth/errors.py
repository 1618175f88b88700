"""Every failure that the store, the keys and the models can report, each with a stable ``code``.

The code is for programs and stays the same between releases; the text is for people and may change.
No text here ever carries a secret, a key, or the value of a sealed field: an entity is named by its
stream (``user/2f1c…``), which a dump shows anyway. This module imports nothing of Django, so that
``crypto`` and ``identity`` can be used alone.
"""

from __future__ import annotations


class JazzAuthError(Exception):
    """Base of all exceptions of this package.

    Attributes:
        code: stable upper-case name of the kind of failure.
    """

    code: str = "JAZZAUTH_ERROR"


class ImproperSettings(JazzAuthError):
    """``JAZZAUTH`` in the settings holds an unknown key or a value of the wrong kind.

    What ``conf`` raises is also Django's ``ImproperlyConfigured``.
    """

    code = "IMPROPER_SETTINGS"


class ImproperSecret(JazzAuthError, ValueError):
    """A worker secret was mistyped or cut short. The text says where, never what was typed."""

    code = "IMPROPER_SECRET"


class ImproperCard(JazzAuthError, ValueError):
    """A text is no worker's card, or was cut short."""

    code = "IMPROPER_CARD"


class KeyringError(JazzAuthError):
    """Base of what the keys report."""

    code = "KEYRING_ERROR"


class WorkerError(KeyringError):
    """A worker cannot be added, granted or removed as asked; the text says why and what to do."""

    code = "WORKER_ERROR"


class WrongWorkerSecret(KeyringError):
    """The database belongs to other workers: this worker secret opens nothing in it.

    Raised instead of showing an empty store. No key of the database is touched.

    Args:
        worker_id: id of the worker whose secret this process was started with.
        reason: what is wrong with it, and what to do.
    """

    code = "WRONG_WORKER_SECRET"

    def __init__(self, worker_id: str, reason: str) -> None:
        super().__init__(worker_id, reason)
        self.worker_id = worker_id
        self.reason = reason

    def __str__(self) -> str:
        return f"The worker secret given is that of worker {self.worker_id}: {self.reason}"


class KeyProviderFailed(KeyringError):
    """What holds the worker's private key cannot be asked, or refuses. Nothing secret is quoted."""

    code = "KEY_PROVIDER_FAILED"


class KeyUnavailable(KeyringError):
    """A key is not in this database, or was never granted to this worker."""

    code = "KEY_UNAVAILABLE"


class EpochNotTrusted(KeyringError):
    """The newest epoch was not made by who had the one that this process, or worker, last had.

    Nothing is read or written under it. The text says what to do.
    """

    code = "EPOCH_NOT_TRUSTED"


class NotAnchored(EpochNotTrusted):
    """A worker cannot tell a genuine epoch: it has no anchor, or one that it did not make.

    Nothing is read or written. ``jazzauth worker trust`` makes one, once somebody has compared.
    """

    code = "NOT_ANCHORED"


class EpochChanged(KeyringError):
    """Another epoch was started while keys were moved to what was the present one."""

    code = "EPOCH_CHANGED"


class EpochInUse(KeyringError):
    """An epoch cannot be retired: something still depends on it. The text says what, and how many.

    Nothing was changed.
    """

    code = "EPOCH_IN_USE"


class ReindexRefused(KeyringError):
    """Columns cannot be re-indexed, or no further for now. The text says why.

    What was done stays done; running it again goes on from there.
    """

    code = "REINDEX_REFUSED"


class NoSuchEpoch(KeyringError, LookupError):
    """No epoch has that number."""

    code = "NO_SUCH_EPOCH"


class KeyDestroyed(KeyringError):
    """The data key was destroyed (crypto-shredding): what it sealed is gone for good."""

    code = "KEY_DESTROYED"


class PayloadCompacted(KeyDestroyed):
    """The event's payload was compacted away after its time: only its digest is kept."""

    code = "PAYLOAD_COMPACTED"


class StoreError(JazzAuthError):
    """Base of what the event store and the sealed models report."""

    code = "STORE_ERROR"


class SealBroken(StoreError):
    """Sealed bytes were changed, or stand where they do not belong.

    Args:
        stream: the entity (``user/<primary key>``) or, where no single row is concerned, its kind.
        reason: what does not fit, in words; it names columns, never their values.

    Attributes:
        stream: as given.
        entity: the stable name of the model (``user``).
        reason: as given.
    """

    code = "SEAL_BROKEN"

    def __init__(self, stream: str, reason: str) -> None:
        super().__init__(stream, reason)
        self.stream = stream
        self.reason = reason

    @property
    def entity(self) -> str:
        """The part of the stream's name before the primary key."""
        return self.stream.partition("/")[0]

    def __str__(self) -> str:
        return f"{self.stream}: {self.reason}"


class StateOutdated(SealBroken):
    """A state does not fit the model any more: its fields were changed without telling the log how.

    Nobody tampered with it. The text says what the model's ``HeadField`` has to name.
    """

    code = "STATE_OUTDATED"


class OneWayLens(StoreError):
    """A migration is undone, and a lens of an upcaster was given no way back."""

    code = "ONE_WAY_LENS"


class RolledBack(StoreError):
    """The database does not contain what a checkpoint outside of it says that it contained."""

    code = "ROLLED_BACK"


class ConcurrentUpdate(StoreError):
    """Another writer changed the entity first, and the caller asked for a given version."""

    code = "CONCURRENT_UPDATE"


class NeverExisted(StoreError, LookupError):
    """The log knows no state of the entity at the moment asked for."""

    code = "NEVER_EXISTED"


class PastRefused(StoreError):
    """A view of the past cannot answer that: the log is no table, or does not hold it any more."""

    code = "PAST_REFUSED"


class RestoreRefused(StoreError):
    """A deleted entity cannot come back: what it points at is gone, or a unique value is taken."""

    code = "RESTORE_REFUSED"


class NotDeleted(StoreError):
    """An entity that is not deleted cannot be brought back: it is there."""

    code = "NOT_DELETED"


class ShredRefused(StoreError):
    """Somebody cannot be forgotten as asked; the text says why. Nothing was destroyed."""

    code = "SHRED_REFUSED"


class NotJournalled(StoreError):
    """The write cannot be recorded as events, so it is refused instead of bypassing the log."""

    code = "NOT_JOURNALLED"


class ValueNotStorable(StoreError, ValueError):
    """The value cannot be stored on every database: too long, a NUL, a lone surrogate."""

    code = "VALUE_NOT_STORABLE"


class ScanRefused(StoreError):
    """The query would open more heads than the settings allow, or cannot be answered by it."""

    code = "SCAN_REFUSED"


class RelayError(StoreError):
    """Base of what the relay, and a copy that follows it, report."""

    code = "RELAY_ERROR"


class RelayUnavailable(RelayError):
    """NATS cannot be reached, does not answer in time, or does not let us in."""

    code = "RELAY_UNAVAILABLE"


class RelayStreamUnfit(RelayError):
    """The JetStream stream is not there, or is not made as the relay needs it."""

    code = "RELAY_STREAM_UNFIT"


class RelayTooLarge(RelayError):
    """A message is larger than the NATS server takes; the relay stops before it."""

    code = "RELAY_TOO_LARGE"


class RelayLed(RelayError):
    """Another relay of the same name publishes; there is one at a time."""

    code = "RELAY_LED"


class CopyRefused(RelayError):
    """What was published does not continue the copy: a gap, another past, or a changed message.

    Nothing of it was written. The text names the stream and the version.
    """

    code = "COPY_REFUSED"


class NotReplicated(RelayError, TimeoutError):
    """The relay did not have the acknowledgement in time. The write stands, here."""

    code = "NOT_REPLICATED"


class NotDurable(StoreError):
    """The database is set so that a committed write may be lost, and cannot be told otherwise."""

    code = "NOT_DURABLE"


class NotStored(JazzAuthError):
    """A stateless session cannot be saved or deleted: it has no row."""

    code = "NOT_STORED"

    def __str__(self) -> str:
        return "This session is stateless: it lives in a cookie and cannot be saved or deleted."


class HashingBusy(JazzAuthError):
    """More passwords wait to be hashed than the settings allow. Nothing was done; come again.

    The API answers 429, and ``ActingMiddleware`` does for all other views.
    """

    code = "HASHING_BUSY"
