"""A process that starts cold knows by its worker's anchor which epoch is genuine.

The attacker here writes SQL, reads every row, and has no secret and no epoch's key.
"""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection, connections, transaction

from django_jazzauth.checks import check_anchors, check_keys
from django_jazzauth.errors import (
    EpochNotTrusted,
    KeyProviderFailed,
    NotAnchored,
    SealBroken,
    WorkerError,
)
from django_jazzauth.keys import rewrapping, rotation, trust
from django_jazzauth.keys.anchor import Anchor, make_anchor, peek, read_anchor
from django_jazzauth.keys.card import Card
from django_jazzauth.keys.index_rotation import announce, settle
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.models import Epoch, Grant, IndexRoot, Worker
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.source import worker_secret
from django_jazzauth.keys.trusting import epoch_in_use, trust_epoch
from django_jazzauth.keys.workers import add_worker, list_workers, remove_worker
from django_jazzauth.keys.wrapping import EpochKey
from django_jazzauth.store.retire import retire

from .attacks import attack, sql
from .conftest import SUITE, clear_keys, own_key

ROOT = Path(__file__).resolve().parents[2]
UNSEAL_ONLY = "tests.keys.unsealing.UnsealOnly"


def start_cold(alias="default"):
    """As a process does that was started just now."""
    trust.let_go(alias)
    ring = keyring(alias)
    ring.forget()
    return ring


def refused(error, match, code):
    ring = start_cold()
    for ask in (
        ring.current,
        lambda: ring.data_key("user/new"),
        lambda: ring.index_cipher("user", "email"),
        lambda: rotation.rotate("default"),
        lambda: epoch_in_use("default"),
    ):
        with pytest.raises(error, match=match) as caught:
            ask()
        assert caught.value.code == code
    assert "jazzauth worker trust" in str(caught.value)
    (message,) = check_keys(["default"])
    assert message.id == "jazzauth.E005" and code in message.msg


def rotate_and_retire():
    number = rotation.rotate("default").number
    keys = rewrapping.keys_to_move("default")
    rewrapping.move_roots("default", keys)
    while rewrapping.move_data_keys("default", keys, 100):
        pass
    retire("default", number - 1)


def anchored():
    return peek(bytes(Worker.objects.get(pk=worker_secret().worker_id).anchor))


def test_the_first_epoch_is_anchored_by_who_makes_it(ring):
    ring.current()
    epoch = own_key(Epoch.objects.get())
    stored = bytes(Worker.objects.get().anchor)
    assert read_anchor(worker_secret(), stored) == Anchor(epoch.id, epoch.public_key, 1)
    assert start_cold().current().number == 1


# -- the attack -----------------------------------------------------------------------------------


def test_a_foreign_epoch_before_which_all_are_said_to_be_retired(committed_ring):
    committed_ring.data_key("user/1")
    attack()
    refused(EpochNotTrusted, r"does not lead to epoch 1 \(e_", "EPOCH_NOT_TRUSTED")


def test_a_foreign_epoch_in_a_database_that_was_emptied(committed_ring):
    committed_ring.current()
    kept = Worker.objects.get()
    clear_keys()
    kept.save(force_insert=True)
    attack(1)
    refused(EpochNotTrusted, "does not lead to epoch 1", "EPOCH_NOT_TRUSTED")


def test_without_the_anchor_a_foreign_epoch_is_refused_as_well(committed_ring):
    committed_ring.current()
    attack()
    sql("UPDATE jazzauth_worker SET anchor = NULL")
    refused(NotAnchored, "is missing", "NOT_ANCHORED")


def test_an_anchor_cannot_be_made_without_the_secret(committed_ring):
    committed_ring.current()
    genuine = bytes(Worker.objects.get().anchor)
    foreign = attack()
    forged = make_anchor(WorkerSecret.generate(), foreign)
    for changed in (forged, forged[:53] + genuine[53:], genuine[:-1], b"", b"\x02" + genuine[1:]):
        sql("UPDATE jazzauth_worker SET anchor = %s", changed)
        refused(NotAnchored, "was not made by it", "NOT_ANCHORED")


def test_the_anchor_of_another_worker_is_none_of_ours(committed_ring):
    committed_ring.current()
    other = added()
    theirs = bytes(Worker.objects.get(pk=other.worker_id).anchor)
    sql("UPDATE jazzauth_worker SET anchor = %s", theirs)
    refused(NotAnchored, "was not made by it", "NOT_ANCHORED")


def test_our_number_and_id_with_another_key(committed_ring):
    """A grant commits to the key: neither the row nor the anchor takes another one."""
    current = committed_ring.current()
    foreign = EpochKey(current.id, 1, os.urandom(32))
    own, public_key = worker_secret(), worker_secret().public_key(SUITE)
    Grant.objects.update(sealed=foreign.grant(own.worker_id, SUITE, public_key))
    with pytest.raises(SealBroken, match="not the one that its row commits to"):
        start_cold().current()
    Epoch.objects.update(public_key=foreign.public_key, index_seal=foreign.seal_generations([1]))
    with pytest.raises(EpochNotTrusted, match="does not lead to epoch 1"):
        start_cold().current()


def test_an_epoch_wrapped_by_another_than_the_row_says(committed_ring):
    committed_ring.current()
    one = own_key(Epoch.objects.get())
    rotation.rotate("default")
    two = own_key(Epoch.objects.get(number=2))
    other = EpochKey(one.id, 1, os.urandom(32))
    Epoch.objects.filter(number=2).update(previous_wrapped=two.wrap_previous(other))
    with pytest.raises(SealBroken, match="epoch 1: its key is not the one"):
        start_cold().current()


def test_who_is_quicker_at_the_first_epoch_must_be_of_this_worker(committed_ring, monkeypatch):
    """A trigger can write an epoch in the very moment in which the first one is made."""
    public_key = worker_secret().public_key(SUITE)
    Worker.objects.create(id=worker_secret().worker_id, suite=SUITE, public_key=public_key)

    def quicker(alias, worker):
        with connection.constraint_checks_disabled():
            attack(1)

    monkeypatch.setattr("django_jazzauth.keys.opened.make_first_epoch", quicker)
    with pytest.raises(NotAnchored):
        committed_ring.current()


# -- going on -------------------------------------------------------------------------------------


def test_the_anchor_moves_with_who_rotates_and_with_who_reads(committed_ring, start_as):
    committed_ring.current()
    first, other = worker_secret(), added()
    start_as(other).current()
    rotation.rotate("default")
    assert anchored().number == 2
    start_as(first)
    assert anchored().number == 1
    start_cold().current()
    assert anchored().number == 2
    assert [facts.anchored for facts in list_workers("default")] == [2, 2]


def test_a_running_process_takes_its_anchor_along(committed_ring, start_as):
    committed_ring.current()
    other = added()
    kept = trust._held["default"]
    own = worker_secret()
    start_as(other)
    rotation.rotate("default")
    ring = start_as(own)
    trust._held["default"] = kept
    ring.current()
    assert anchored().number == 2


def test_a_worker_that_slept_through_rotations_and_retirements(committed_ring, start_as):
    committed_ring.data_key("user/1")
    first, other = worker_secret(), added()
    start_as(other)
    for _ in range(3):
        rotation.rotate("default")
        rotate_and_retire()
        remove_worker("default", added("passing").worker_id)
    rotate_and_retire()
    number = Epoch.objects.get(superseded_at=None).number
    assert Epoch.objects.exclude(retired_at=None).count() == number - 1
    ring = start_as(first)
    assert anchored().number == 1
    assert ring.current().number == number
    assert anchored().number == number
    assert ring.data_key("user/1")


def test_an_older_anchor_put_back_leads_to_the_same_epoch(committed_ring):
    committed_ring.current()
    old = bytes(Worker.objects.get().anchor)
    rotate_and_retire()
    sql("UPDATE jazzauth_worker SET anchor = %s", old)
    assert start_cold().current().number == 2
    assert anchored().number == 2


def test_an_older_anchor_put_back_does_not_lead_to_a_foreign_epoch(committed_ring):
    committed_ring.current()
    old = bytes(Worker.objects.get().anchor)
    rotate_and_retire()
    sql("UPDATE jazzauth_worker SET anchor = %s", old)
    attack(3)
    refused(EpochNotTrusted, "does not lead to epoch 1", "EPOCH_NOT_TRUSTED")


def test_who_had_an_epochs_key_deceives_only_workers_that_have_not_gone_on(
    committed_ring, start_as
):
    """The removed worker: what docs/security.md says of it."""
    committed_ring.current()
    first, asleep, gone = worker_secret(), added("asleep"), added("gone")
    known = own_key(Epoch.objects.get(), gone)
    remove_worker("default", "gone")
    sql(
        "DELETE FROM jazzauth_grant WHERE epoch_id IN (SELECT id FROM jazzauth_epoch "
        "WHERE number = 2)"
    )
    sql(
        "UPDATE jazzauth_index_root SET epoch_id = (SELECT id FROM jazzauth_epoch WHERE number = 1)"
    )
    sql("DELETE FROM jazzauth_epoch WHERE number = 2")
    attack(2, wrapping=known)
    start_as(first)
    with pytest.raises(EpochNotTrusted, match="does not lead to epoch 2"):
        start_cold().current()
    assert start_as(asleep).current().number == 2  # documented: its anchor is from before


@pytest.mark.parametrize("wins", ["commit", "rollback"])
def test_an_anchor_moves_with_the_transaction_that_rotates(committed_ring, wins):
    committed_ring.current()
    with transaction.atomic():
        rotation.rotate("default")
        assert anchored().number == 2
        transaction.set_rollback(wins == "rollback")
    assert anchored().number == (2 if wins == "commit" else 1)
    assert start_cold().current().number == anchored().number


def test_killed_after_the_rotation_of_another_before_its_own_anchor_moved(
    committed_ring, start_as, monkeypatch
):
    committed_ring.current()
    first, other = worker_secret(), added()
    start_as(other)
    rotation.rotate("default")

    def killed(*args):
        raise KeyboardInterrupt

    ring = start_as(first)
    with monkeypatch.context() as patch:
        patch.setattr("django_jazzauth.keys.trust._move_anchor", killed)
        with pytest.raises(KeyboardInterrupt):
            ring.current()
    assert anchored().number == 1
    start_as(other)
    rotate_and_retire()
    start_as(first)
    assert start_cold().current().number == 3
    assert anchored().number == 3


READ_ONLY = {
    "sqlite": ("PRAGMA query_only = 1", "PRAGMA query_only = 0"),
    "postgresql": (
        "SET default_transaction_read_only = on",
        "SET default_transaction_read_only = off",
    ),
    "mysql": ("SET SESSION TRANSACTION READ ONLY", "SET SESSION TRANSACTION READ WRITE"),
}


@pytest.mark.parametrize("inside", [False, True], ids=["autocommit", "transaction"])
def test_an_anchor_that_cannot_be_written_stops_nobody(committed_ring, start_as, caplog, inside):
    """As on a replica."""
    if inside and connection.vendor != "postgresql":
        pytest.skip("elsewhere keys are read under a writer's lock there")
    committed_ring.current()
    first, other = worker_secret(), added()
    start_as(other)
    rotation.rotate("default")
    ring = start_as(first)
    caplog.set_level(logging.WARNING)
    on, off = READ_ONLY[connection.vendor]
    sql(on)
    try:
        if inside:
            with transaction.atomic():
                assert ring.current().number == 2
        assert ring.current().number == 2
    finally:
        sql(off)
    assert "could not be moved to epoch 2: " in caplog.text
    assert anchored().number == 1
    ring.forget()
    ring.current()  # tries again, though it holds to the epoch already
    assert anchored().number == 2


def test_an_overtaken_process_does_not_move_the_anchor_back(committed_ring):
    committed_ring.current()
    old = bytes(Worker.objects.get().anchor)
    one = own_key(Epoch.objects.get())
    rotation.rotate("default")
    trust._move_anchor("default", worker_secret(), old, one)
    assert anchored().number == 2


def test_in_a_transaction_the_anchor_moves_at_the_commit(committed_ring, start_as):
    committed_ring.current()
    first, other = worker_secret(), added()
    start_as(other)
    rotation.rotate("default")
    ring = start_as(first)
    with transaction.atomic():
        ring.current()
        assert anchored().number == 1
    assert anchored().number == 2


def test_whoever_commits_by_hand_finds_no_statement_of_ours(committed_ring, start_as):
    committed_ring.current()
    first, other = worker_secret(), added()
    start_as(other)
    rotation.rotate("default")
    ring = start_as(first)
    connections["default"].set_autocommit(False)
    try:
        assert ring.current().number == 2
        connections["default"].rollback()
    finally:
        connections["default"].set_autocommit(True)
    assert anchored().number == 1


def test_a_worker_added_between_two_queries_of_its_first_reading(ring, start_as):
    ring.current()
    first, other = worker_secret(), WorkerSecret.generate()
    adding = []

    def add(execute, statement, params, many, context):
        result = execute(statement, params, many, context)
        if "anchor" in statement and not adding:
            adding.append(None)
            start_as(first)
            add_worker("default", "other", Card.of(other), None, other)
            start_as(other)
        return result

    theirs = start_as(other)
    with connection.execute_wrapper(add):
        assert theirs.current().number == 1


# -- added by a card, and told --------------------------------------------------------------------


def added(name="other"):
    secret = WorkerSecret.generate()
    add_worker("default", name, Card.of(secret), None, secret)
    return secret


@pytest.fixture
def by_card(ring, start_as):
    """A worker that was added by its card, and the fingerprint that was read out there."""
    ring.current()
    secret = WorkerSecret.generate()
    add_worker("default", "by card", Card.of(secret))
    return secret, epoch_in_use("default").fingerprint


def test_who_was_added_by_a_card_trusts_nothing_unasked(by_card, start_as):
    secret, fingerprint = by_card
    ring = start_as(secret)
    with pytest.raises(NotAnchored, match="added by its card"):
        ring.current()
    offered = epoch_in_use("default", trusting=True)
    assert (offered.number, offered.fingerprint) == (1, fingerprint)
    assert Worker.objects.get(pk=secret.worker_id).anchor is None
    assert trust_epoch("default", f" {fingerprint.upper()}\n").number == 1
    assert start_cold().current().number == 1


@pytest.mark.parametrize("retiring", [False, True])
def test_a_fingerprint_from_before_rotations_will_do(by_card, start_as, retiring):
    secret, fingerprint = by_card
    for _ in range(2):
        rotation.rotate("default")
        if retiring:
            rotate_and_retire()
    start_as(secret)
    assert trust_epoch("default", fingerprint).number == (5 if retiring else 3)
    assert start_cold().current().number == (5 if retiring else 3)


def test_a_foreign_epoch_has_another_fingerprint(by_card, start_as):
    secret, fingerprint = by_card
    attack()
    start_as(secret)
    assert epoch_in_use("default", trusting=True).fingerprint != fingerprint
    with pytest.raises(EpochNotTrusted, match="Epoch 2 does not lead to epoch 1"):
        trust_epoch("default", fingerprint)
    Epoch.objects.filter(number=1).update(public_key=bytes(32))
    with pytest.raises(WorkerError, match="has the fingerprint"):
        trust_epoch("default", fingerprint)
    assert Worker.objects.get(pk=secret.worker_id).anchor is None


# -- providers ------------------------------------------------------------------------------------


def test_a_provider_without_mac_is_warned_of_and_goes_on_as_before(committed_ring, settings):
    committed_ring.current()
    assert check_anchors() == []
    settings.JAZZAUTH = {**settings.JAZZAUTH, "KEY_PROVIDER": UNSEAL_ONLY}
    (message,) = check_anchors()
    assert message.id == "jazzauth.W010"
    assert keyring("default").current().number == 1
    rotation.rotate("default")
    assert keyring("default").current().number == 2
    attack(3)
    keyring("default").forget()
    with pytest.raises(EpochNotTrusted, match="this process has worked with"):
        keyring("default").current()
    # The weakness that W010 warns of.
    assert start_cold().current().number == 3


def test_its_first_epoch_has_no_anchor(ring, settings):
    settings.JAZZAUTH = {**settings.JAZZAUTH, "KEY_PROVIDER": UNSEAL_ONLY}
    assert keyring("default").current().number == 1
    assert Worker.objects.get().anchor is None
    with pytest.raises(WorkerError, match="no `mac`"):
        trust_epoch("default", epoch_in_use("default", trusting=True).fingerprint)


@pytest.mark.parametrize("made", [None, "text", b"", bytes(15), bytes(65)])
def test_a_mac_that_is_none(ring, made):
    ring.current()

    class Wrong:
        worker_id = worker_secret().worker_id

        def mac(self, data):
            return made

    with pytest.raises(KeyProviderFailed, match="`mac` of Wrong"):
        make_anchor(Wrong(), own_key(Epoch.objects.get()))


# -- index keys -----------------------------------------------------------------------------------


def test_an_old_generation_of_the_index_keys_put_back(committed_ring):
    committed_ring.current()
    kept = IndexRoot.objects.values("wrapped").get()
    assert announce("default", [("user", "email")]) == 2
    with transaction.atomic():
        assert settle("default", [("user", "email")], ()) == [1]
    assert start_cold().current().index_state == 2
    sql(
        "UPDATE jazzauth_index_root SET retired_at = NULL, wrapped = %s WHERE generation = 1",
        kept["wrapped"],
    )
    with pytest.raises(SealBroken, match="the epoch in use was left with"):
        start_cold().current()
    sql("DELETE FROM jazzauth_index_root WHERE generation = 1")
    assert start_cold().current().number == 1


def test_a_whole_older_state_of_the_index_keys_ends_with_the_epoch(committed_ring):
    """What docs/security.md says of it: it can be put back until the next rotation."""
    committed_ring.current()
    root, epoch = IndexRoot.objects.get(), Epoch.objects.get()
    announce("default", [("user", "email")])
    with transaction.atomic():
        settle("default", [("user", "email")], ())

    def put_back():
        sql("DELETE FROM jazzauth_index_column")
        sql("DELETE FROM jazzauth_index_root")
        root.save(force_insert=True)
        sql("UPDATE jazzauth_epoch SET index_seal = %s", bytes(epoch.index_seal))

    with transaction.atomic():
        put_back()
        assert start_cold().current().number == 1
        transaction.set_rollback(True)
    start_cold()
    rotation.rotate("default")
    put_back()
    with pytest.raises(SealBroken, match="the epoch in use was left with"):
        start_cold().current()


# -- processes ------------------------------------------------------------------------------------


def started(*arguments):
    """A command in a process of its own, on this very database."""
    name = str(connection.settings_dict["NAME"])
    where = "SQLITE_FILE" if connection.vendor == "sqlite" else "DB_NAME"
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "JAZZAUTH_TEST_WORKER_SECRET": worker_secret().to_text(),
        f"JAZZAUTH_TEST_{where}": name,
    }
    command = [sys.executable, "-m", "django", "jazzauth", *arguments]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)


def test_another_process_starts_by_the_anchor(committed_ring):
    committed_ring.data_key("user/1")
    rotate_and_retire()
    fingerprint = epoch_in_use("default").fingerprint
    assert started("worker", "epoch").stdout.strip() == fingerprint
    attack(3)
    for command in (["worker", "epoch"], ["rotate"], ["rewrap"], ["worker", "add", "web-2"]):
        ran = started(*command)
        assert ran.returncode == 1 and "[EPOCH_NOT_TRUSTED]" in ran.stderr, ran
    assert Epoch.objects.count() == 3 and Worker.objects.count() == 1
    assert started("worker", "trust", fingerprint).returncode == 1
    sql("UPDATE jazzauth_worker SET anchor = NULL")
    assert "[NOT_ANCHORED]" in started("worker", "epoch").stderr


def test_a_number_that_no_generation_has_is_a_broken_seal(ring):
    ring.current()
    sql("UPDATE jazzauth_index_root SET generation = 300")
    ring.forget()
    with pytest.raises(SealBroken):
        ring.current()
