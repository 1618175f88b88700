import inspect
import pickle

import pytest

from django_jazzauth import errors
from django_jazzauth.errors import JazzAuthError, SealBroken, WrongWorkerSecret

CLASSES = [
    member
    for _, member in inspect.getmembers(errors, inspect.isclass)
    if issubclass(member, JazzAuthError)
]


def test_codes_are_unique_and_stable():
    assert {member.__name__: member.code for member in CLASSES} == {
        "ConcurrentUpdate": "CONCURRENT_UPDATE",
        "CopyRefused": "COPY_REFUSED",
        "EpochChanged": "EPOCH_CHANGED",
        "EpochInUse": "EPOCH_IN_USE",
        "EpochNotTrusted": "EPOCH_NOT_TRUSTED",
        "HashingBusy": "HASHING_BUSY",
        "ImproperCard": "IMPROPER_CARD",
        "ImproperSecret": "IMPROPER_SECRET",
        "ImproperSettings": "IMPROPER_SETTINGS",
        "JazzAuthError": "JAZZAUTH_ERROR",
        "KeyDestroyed": "KEY_DESTROYED",
        "KeyProviderFailed": "KEY_PROVIDER_FAILED",
        "KeyUnavailable": "KEY_UNAVAILABLE",
        "KeyringError": "KEYRING_ERROR",
        "NeverExisted": "NEVER_EXISTED",
        "NoSuchEpoch": "NO_SUCH_EPOCH",
        "NotAnchored": "NOT_ANCHORED",
        "NotDeleted": "NOT_DELETED",
        "NotDurable": "NOT_DURABLE",
        "NotJournalled": "NOT_JOURNALLED",
        "NotReplicated": "NOT_REPLICATED",
        "NotStored": "NOT_STORED",
        "OneWayLens": "ONE_WAY_LENS",
        "PastRefused": "PAST_REFUSED",
        "PayloadCompacted": "PAYLOAD_COMPACTED",
        "ReindexRefused": "REINDEX_REFUSED",
        "RelayError": "RELAY_ERROR",
        "RelayLed": "RELAY_LED",
        "RelayStreamUnfit": "RELAY_STREAM_UNFIT",
        "RelayTooLarge": "RELAY_TOO_LARGE",
        "RelayUnavailable": "RELAY_UNAVAILABLE",
        "RestoreRefused": "RESTORE_REFUSED",
        "RolledBack": "ROLLED_BACK",
        "ScanRefused": "SCAN_REFUSED",
        "SealBroken": "SEAL_BROKEN",
        "ShredRefused": "SHRED_REFUSED",
        "StateOutdated": "STATE_OUTDATED",
        "StoreError": "STORE_ERROR",
        "ValueNotStorable": "VALUE_NOT_STORABLE",
        "WorkerError": "WORKER_ERROR",
        "WrongWorkerSecret": "WRONG_WORKER_SECRET",
    }


@pytest.mark.parametrize("member", CLASSES)
def test_each_says_what_it_means(member):
    assert inspect.getdoc(member)


def test_a_broken_seal_names_the_entity():
    error = SealBroken("user/1", "the head does not open")
    assert (error.stream, error.entity, error.reason) == (
        "user/1",
        "user",
        "the head does not open",
    )
    assert str(error) == "user/1: the head does not open"
    assert SealBroken("user", "x").entity == "user"


@pytest.mark.parametrize(
    "error",
    [SealBroken("user/1", "reason"), WrongWorkerSecret("w_1", "reason"), errors.StoreError("text")],
)
def test_they_survive_pickling(error):
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.args) == (type(error), str(error), error.args)
