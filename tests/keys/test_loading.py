"""Other workers, other epochs, and tables that somebody changed by hand."""

import os
import pickle
import uuid

import pytest
from django.db import connection
from django.utils import timezone

from django_jazzauth.crypto.envelope import EnvelopeError
from django_jazzauth.errors import EpochNotTrusted, KeyUnavailable, SealBroken, WrongWorkerSecret
from django_jazzauth.keys import rewrapping, rotation
from django_jazzauth.keys.models import Epoch, Grant, IndexRoot, Worker
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.source import worker_secret
from django_jazzauth.keys.wrapping import EpochKey

from .conftest import SUITE, add_worker, anchor, grant, own_key, rotate

NONCE = bytes(12)


def flipped(data, position):
    changed = bytearray(data)
    changed[position] ^= 1
    return bytes(changed)


# -- workers --------------------------------------------------------------------------------------


def test_another_worker_that_was_granted_opens_everything(ring, start_as):
    handle = ring.data_key("user/1")
    column = ring.index_cipher("user", "email").seal(b"ada")
    other = add_worker()
    grant(own_key(Epoch.objects.get()), other)
    anchor(own_key(Epoch.objects.get()), other)
    theirs = start_as(other)
    assert theirs.data_key("user/1").id == handle.id
    assert theirs.index_cipher("user", "email").open(column) == b"ada"


def test_a_new_worker_reads_old_epochs_through_the_newest(ring, start_as):
    old = ring.current()
    sealed = ring.head_cipher(old.id, "user").seal(b"state", b"", NONCE)
    rotate()
    other = add_worker()
    rotate(worker_secret(), other)
    theirs = start_as(other)
    assert theirs.current().number == 3
    assert theirs.head_cipher(old.id, "user").open(sealed, b"") == b"state"
    assert theirs.index_cipher("user", "email")
    assert Grant.objects.filter(worker_id=other.worker_id).count() == 1


def test_an_unknown_secret_is_refused_and_told_what_to_do(ring, start_as):
    ring.current()
    stranger = WorkerSecret.generate()
    own = worker_secret().worker_id
    theirs = start_as(stranger)
    for ask in (
        theirs.current,
        lambda: theirs.data_key("user/1"),
        lambda: theirs.index_cipher("user", "email"),
        lambda: theirs.data_key_by_id(bytes(16)),
    ):
        with pytest.raises(WrongWorkerSecret) as caught:
            ask()
    text = str(caught.value)
    assert stranger.worker_id in text and f"first ({own})" in text
    assert "jazzauth worker add NAME --card" in text
    assert "does not know it" in text
    assert caught.value.code == "WRONG_WORKER_SECRET"
    assert caught.value.args == (stranger.worker_id, caught.value.reason)
    assert Epoch.objects.count() == Worker.objects.count() == Grant.objects.count() == 1


def test_a_removed_worker_is_told_so(ring, start_as):
    ring.current()
    me, other = worker_secret(), add_worker("reserve")
    rotate(other)
    Worker.objects.filter(pk=me.worker_id).update(removed_at=timezone.now())
    ring.forget()
    with pytest.raises(WrongWorkerSecret, match=r"was removed .* workers, reserve \(w_"):
        ring.current()
    assert start_as(other).current().number == 2


def test_a_worker_without_the_newest_epoch_is_told_so(ring):
    ring.current()
    rotate(add_worker())
    ring.forget()
    with pytest.raises(WrongWorkerSecret, match="not granted epoch 2"):
        ring.current()


def test_nobody_left_is_said(ring, start_as):
    ring.current()
    Worker.objects.update(removed_at=timezone.now())
    with pytest.raises(WrongWorkerSecret, match="none is left"):
        start_as(WorkerSecret.generate()).current()


# -- tampering ------------------------------------------------------------------------------------


def refused(ring, match):
    ring.forget()
    with pytest.raises(SealBroken, match=match):
        ring.current()


def test_changed_bytes_of_a_grant_are_noticed(ring):
    ring.current()
    sealed = bytes(Grant.objects.get().sealed)
    for position in (0, 1, 2, 600, 1100, 1125, len(sealed) - 1):
        Grant.objects.update(sealed=flipped(sealed, position))
        refused(ring, "epoch 1: its key")


def test_a_grant_of_another_epoch_or_suite_is_noticed(ring):
    ring.current()
    rotate()
    first, second = Grant.objects.order_by("id")
    Grant.objects.filter(pk=second.pk).update(sealed=first.sealed)
    refused(ring, "epoch 2: its key")


def test_changed_bytes_of_a_wrapped_epoch_are_noticed(ring):
    ring.current()
    rotate()
    wrapped = bytes(Epoch.objects.get(number=2).previous_wrapped)
    for position in range(len(wrapped)):
        Epoch.objects.filter(number=2).update(previous_wrapped=flipped(wrapped, position))
        refused(ring, "epoch 1: its key")


def foreign_epoch(number, superseded_at):
    """What somebody with write access, but without any key, can do: seal to a public key."""
    foreign = EpochKey(uuid.uuid4().bytes, number, os.urandom(32))
    Epoch.objects.create(
        id=uuid.UUID(bytes=foreign.id),
        number=number,
        public_key=foreign.public_key,
        superseded_at=superseded_at,
    )
    grant(foreign, worker_secret())
    return foreign


def test_an_older_epoch_granted_by_a_stranger_opens_nothing(ring):
    ring.current()
    foreign = foreign_epoch(0, timezone.now())
    ring.forget()
    with pytest.raises(EpochNotTrusted, match="epoch 0, which was not retired"):
        ring.current()
    Epoch.objects.filter(number=0).update(retired_at=timezone.now())
    assert ring.current().number == 1
    with pytest.raises(KeyUnavailable, match="closed to us"):
        ring.head_cipher(foreign.id, "user")


def test_a_grant_put_back_does_not_open_a_retired_epoch(ring):
    old = ring.current()
    kept = own_key(Epoch.objects.get())
    rotate()
    Grant.objects.filter(epoch_id=uuid.UUID(bytes=old.id)).delete()
    Epoch.objects.update(previous_wrapped=None)
    Epoch.objects.filter(number=1).update(retired_at=timezone.now())
    grant(kept, worker_secret())
    ring.forget()
    assert ring.current().number == 2
    with pytest.raises(KeyUnavailable, match="closed to us"):
        ring.head_cipher(old.id, "user")


@pytest.mark.parametrize("in_use", [[], [1], [1, 2]])
def test_only_the_newest_epoch_may_be_in_use(ring, in_use):
    ring.current()
    rotate()
    Epoch.objects.update(superseded_at=timezone.now())
    Epoch.objects.filter(number__in=in_use).update(superseded_at=None)
    refused(ring, "not the newest epoch")


def test_changed_bytes_of_an_index_root_are_noticed(ring):
    ring.current()
    wrapped = bytes(IndexRoot.objects.get().wrapped)
    for position in range(len(wrapped)):
        IndexRoot.objects.update(wrapped=flipped(wrapped, position))
        refused(ring, "index root 1")
    IndexRoot.objects.update(wrapped=wrapped, generation=2)
    refused(ring, "index root 2")


def test_an_index_root_under_a_closed_epoch_is_left_out(ring):
    ring.current()
    rotate()
    old = Epoch.objects.get(number=1)
    old.grants.all().delete()
    Epoch.objects.filter(number=1).update(retired_at=timezone.now())
    Epoch.objects.filter(number=2).update(previous_wrapped=None)
    ring.forget()
    assert ring.current().number == 2
    assert ring._holder.get().keys.roots == ()


def test_an_endorsement_cannot_be_made_without_the_epochs_key(ring):
    ring.current()
    key, other = own_key(Epoch.objects.get()), add_worker()
    public = other.public_key(SUITE)
    endorsement = key.endorse(other.worker_id, SUITE, public)
    assert key.endorsed(other.worker_id, SUITE, endorsement) == public
    forged = EpochKey(key.id, 1, os.urandom(32)).endorse(other.worker_id, SUITE, public)
    for worker_id, suite, sealed in (
        (other.worker_id, SUITE, forged),
        (worker_secret().worker_id, SUITE, endorsement),
        (other.worker_id, "x25519", endorsement),
    ):
        with pytest.raises(EnvelopeError):
            key.endorsed(worker_id, suite, sealed)


def test_nothing_opened_is_shown(ring):
    ring.current()
    keys = ring._holder.get().keys
    assert repr(keys.current) == "<EpochKey 1>"
    for text in (repr(keys), str(keys), repr(ring)):
        assert repr(keys.current._key) not in text and repr(keys.roots[0].root) not in text


def test_no_opened_root_is_in_an_error_report(ring):
    ring.current()
    opened = ring._holder.get().keys
    epoch, root = opened.current, opened.roots[0].root
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(opened.roots[0])
    row = Epoch.objects.get()
    IndexRoot.objects.create(generation=2, epoch=row, wrapped=epoch.wrap_index_root(2, root))
    IndexRoot.objects.filter(generation=1).update(wrapped=bytes(61))
    ring.forget()
    with pytest.raises(SealBroken, match="index root 1") as caught:
        ring.current()
    shown = [frame.locals for frame in caught.traceback if "django_jazzauth" in str(frame.path)]
    assert shown
    for frame in shown:
        for value in frame.values():
            assert root not in (value if isinstance(value, list | tuple) else [value])


# -- while others move the keys -------------------------------------------------------------------


@pytest.mark.parametrize("table", ["jazzauth_grant", "jazzauth_index_root"])
def test_a_rotation_between_two_queries_of_a_reader(ring, table):
    column = ring.index_cipher("user", "email").seal(b"ada")
    moved = []

    def rotate_once(execute, sql, params, many, context):
        if table in sql and not moved:
            moved.append(None)
            rotation.rotate("default")
            rewrapping.move_roots("default", rewrapping.keys_to_move("default"))
        return execute(sql, params, many, context)

    ring.forget()
    with connection.execute_wrapper(rotate_once):
        assert ring.index_cipher("user", "email").open(column) == b"ada"
    assert moved
    assert IndexRoot.objects.get().epoch.number == 2


def test_an_index_root_under_an_epoch_that_never_shows(ring):
    ring.current()
    moving = []

    def rotate_always(execute, sql, params, many, context):
        if "jazzauth_grant" in sql and not moving:
            moving.append(None)
            rotation.rotate("default")
            rewrapping.move_roots("default", rewrapping.keys_to_move("default"))
            moving.clear()
        return execute(sql, params, many, context)

    ring.forget()
    with (
        connection.execute_wrapper(rotate_always),
        pytest.raises(SealBroken, match="an epoch that is not there"),
    ):
        ring.index_cipher("user", "email")
