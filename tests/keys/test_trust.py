"""A process goes on only with epochs that were made by who had the one before."""

import json
import os
import uuid
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from django_jazzauth.errors import EpochNotTrusted
from django_jazzauth.keys import rewrapping, rotation, trust
from django_jazzauth.keys.first_epoch import make_first_epoch
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.models import Epoch, Grant
from django_jazzauth.keys.source import worker_secret
from django_jazzauth.keys.wrapping import EpochKey, read_succession
from django_jazzauth.store.retire import retire

from .conftest import clear_keys, grant

VECTORS = json.loads(
    (Path(__file__).parent.parent / "data" / "format" / "succession.json").read_text()
)


def slip_in(number, **values):
    """What somebody with write access, but without any key, can do: seal to a public key."""
    foreign = EpochKey(uuid.uuid4().bytes, number, os.urandom(32))
    Epoch.objects.filter(superseded_at=None).update(superseded_at=timezone.now())
    Epoch.objects.create(
        id=uuid.UUID(bytes=foreign.id), number=number, public_key=foreign.public_key, **values
    )
    grant(foreign, worker_secret())
    return foreign


def refused(ring, match):
    ring.forget()
    with pytest.raises(EpochNotTrusted, match=match) as caught:
        ring.current()
    assert caught.value.code == "EPOCH_NOT_TRUSTED"
    with pytest.raises(EpochNotTrusted):
        ring.data_key("user/new")


def rotate_and_retire():
    number = rotation.rotate("default").number
    rewrapping.move_roots("default", rewrapping.keys_to_move("default"))
    retire("default", number - 1)


def test_a_foreign_epoch_is_refused_also_at_the_start(committed_ring, start_as):
    committed_ring.current()
    slip_in(2)
    refused(committed_ring, "does not lead to epoch 1, which was not retired")
    refused(start_as(worker_secret()), "does not lead to epoch 1")
    with pytest.raises(EpochNotTrusted):
        rotation.rotate("default")


def test_a_foreign_epoch_is_refused_where_all_others_are_said_to_be_retired(committed_ring):
    committed_ring.current()
    slip_in(2)
    Epoch.objects.filter(number=1).update(retired_at=timezone.now())
    refused(committed_ring, "does not lead to the epoch that this process")


def test_a_foreign_epoch_in_the_place_of_ours(committed_ring):
    committed_ring.current()
    clear_keys_but_worker()
    slip_in(1)
    refused(committed_ring, "restart this process")


def clear_keys_but_worker():
    own = worker_secret()
    from_table = Grant.objects.get().worker
    clear_keys()
    from_table.save(force_insert=True)
    assert from_table.id == own.worker_id


def test_another_key_under_the_id_that_is_held(committed_ring):
    held = committed_ring.current()
    clear_keys_but_worker()
    foreign = EpochKey(held.id, 1, os.urandom(32))
    Epoch.objects.create(id=uuid.UUID(bytes=held.id), number=1, public_key=foreign.public_key)
    grant(foreign, worker_secret())
    refused(committed_ring, "does not lead")


def test_rotations_lead_back(committed_ring):
    committed_ring.current()
    rotation.rotate("default")
    rotation.rotate("default")
    assert committed_ring.current().number == 3


def elsewhere(ring, work):
    """As if another process did it: this one keeps holding to what it had."""
    kept = trust._held["default"]
    work()
    ring.forget()
    trust._held["default"] = kept


def test_a_process_that_slept_through_retirements_goes_on(committed_ring):
    committed_ring.current()

    def later():
        rotation.rotate("default")
        rotate_and_retire()  # 1 and 2, 3 is in use
        committed_ring.forget()
        committed_ring.current()
        rotate_and_retire()

    elsewhere(committed_ring, later)
    assert committed_ring.current().number == 4
    assert set(Epoch.objects.filter(succession=None).values_list("number", flat=True)) == {4}


@pytest.mark.parametrize("change", ["gone", "flipped", "other"])
def test_a_succession_that_was_changed_leads_nowhere(committed_ring, change):
    committed_ring.current()
    elsewhere(committed_ring, rotate_and_retire)
    row = Epoch.objects.get(number=1)
    old = bytes(row.succession)
    foreign = EpochKey(row.id.bytes, 1, os.urandom(32))
    changed = {
        "gone": None,
        "flipped": old[:-1] + bytes([old[-1] ^ 1]),
        "other": foreign.name_successor(foreign),
    }[change]
    Epoch.objects.filter(number=1).update(succession=changed)
    refused(committed_ring, "does not lead to the epoch that this process")
    Epoch.objects.filter(number=1).update(succession=old)
    assert committed_ring.current().number == 2


def test_every_byte_of_a_succession_counts():
    one, two = (EpochKey(os.urandom(16), number, os.urandom(32)) for number in (1, 2))
    made = one.name_successor(two)
    assert len(made) == 112
    assert read_succession(one.id, one.public_key, made) == (two.id, two.public_key)
    assert read_succession(two.id, one.public_key, made) is None
    assert read_succession(one.id, two.public_key, made) is None
    for length in (0, 48, 111):
        assert read_succession(one.id, one.public_key, made[:length]) is None
    for position in range(len(made)):
        changed = bytearray(made)
        changed[position] ^= 1
        assert read_succession(one.id, one.public_key, bytes(changed)) is None


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["epoch_id"][:8])
def test_stored_vectors(row):
    given = {name: bytes.fromhex(value) for name, value in row.items()}
    retired = EpochKey(given["epoch_id"], 1, given["epoch_key"])
    successor = EpochKey(given["successor_id"], 2, given["successor_key"])
    assert retired.public_key == given["public_key"]
    assert successor.public_key == given["successor_public_key"]
    assert retired.name_successor(successor) == given["succession"]
    named = read_succession(given["epoch_id"], given["public_key"], given["succession"])
    assert named == (given["successor_id"], given["successor_public_key"])


def test_an_epoch_that_was_rolled_back_is_not_held_to(committed_ring):
    committed_ring.current()
    with transaction.atomic():
        rotation.rotate("default")
        committed_ring.forget()
        assert committed_ring.current().number == 2
        transaction.set_rollback(True)
    committed_ring.forget()
    assert committed_ring.current().number == 1


def test_an_emptied_database_begins_anew(committed_ring):
    old = committed_ring.current()
    clear_keys()  # by another process: no signal
    committed_ring.forget()
    assert committed_ring.current().id != old.id


def test_a_flush_lets_go_of_the_epoch(committed_ring):
    committed_ring.current()
    call_command("flush", interactive=False, verbosity=0)
    slip_in_ours()
    assert keyring("default").current().number == 1


def slip_in_ours():
    """The first epoch of another process with the same secret."""
    with connection.constraint_checks_disabled():
        make_first_epoch("default", worker_secret())
