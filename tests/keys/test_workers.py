"""Workers come and go, each with the suite that was chosen for it."""

import pytest
from django.utils import timezone

from django_jazzauth.crypto.envelope import EnvelopeError
from django_jazzauth.crypto.hpke import ImproperPublicKey, UnknownSuite
from django_jazzauth.errors import SealBroken, WorkerError, WrongWorkerSecret
from django_jazzauth.keys.card import Card
from django_jazzauth.keys.models import Epoch, Grant, Worker
from django_jazzauth.keys.provider import grant_info
from django_jazzauth.keys.rotation import rotate
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.source import worker_secret
from django_jazzauth.keys.workers import add_worker, grant_worker, list_workers, remove_worker

NONCE = bytes(12)
SUITES = ("mlkem768-x25519", "x25519")


def added(name="other", suite=None):
    secret = WorkerSecret.generate()
    assert add_worker("default", name, Card.of(secret), suite, secret) == secret.worker_id
    return secret


@pytest.mark.parametrize("suite", SUITES)
def test_an_added_worker_opens_what_was_written_before(ring, start_as, suite):
    handle = ring.data_key("user/1")
    old = ring.current()
    head = ring.head_cipher(old.id, "user").seal(b"state", b"", NONCE)
    rotate("default")
    secret = added(suite=suite)
    assert Grant.objects.get(worker_id=secret.worker_id).suite == suite
    theirs = start_as(secret)
    assert theirs.current().number == 2
    assert theirs.data_key("user/1").id == handle.id
    assert theirs.head_cipher(old.id, "user").open(head, b"") == b"state"


def test_both_suites_live_side_by_side_through_rotations(ring, start_as):
    ring.current()
    hybrid, classic = added("hybrid", SUITES[0]), added("classic", SUITES[1])
    assert set(rotate("default").granted) == {
        worker_secret().worker_id,
        hybrid.worker_id,
        classic.worker_id,
    }
    suites = dict(Grant.objects.filter(epoch__number=2).values_list("worker_id", "suite"))
    assert (suites[hybrid.worker_id], suites[classic.worker_id]) == SUITES
    assert start_as(classic).current().number == start_as(hybrid).current().number == 2


def test_a_grant_opens_for_its_worker_epoch_and_purpose_only(ring):
    ring.current()
    secret, other = added("one", "x25519"), added("two", "x25519")
    row = Grant.objects.get(worker_id=secret.worker_id)
    epoch, sealed = row.epoch_id.bytes, bytes(row.sealed)
    info = grant_info(epoch, secret.worker_id, "x25519")
    assert len(secret.open("x25519", sealed, info)) == 32
    for wrong in (
        grant_info(epoch, other.worker_id, "x25519"),
        grant_info(bytes(16), secret.worker_id, "x25519"),
        grant_info(epoch, secret.worker_id, "mlkem768-x25519"),
        info.replace(b"jazzauth/grant", b"jazzauth/other"),
        b"",
    ):
        with pytest.raises(EnvelopeError):
            secret.open("x25519", sealed, wrong)
    with pytest.raises(EnvelopeError):
        other.open("x25519", sealed, info)


def test_a_database_without_keys_has_no_workers_to_add(ring):
    with pytest.raises(WorkerError, match="no keys yet"):
        added()
    assert list_workers("default") == []


@pytest.mark.parametrize("name", ["", "  ", "w_1234", "a" * 151, "two\nlines", "nul\0"])
def test_what_is_no_name(ring, name):
    ring.current()
    with pytest.raises(WorkerError, match="name"):
        added(name)
    assert Worker.objects.count() == 1


def test_names_and_workers_are_unique(ring):
    ring.current()
    secret = added("web")
    with pytest.raises(WorkerError, match="already"):
        added("web")
    with pytest.raises(WorkerError, match="known already"):
        add_worker("default", "again", Card.of(secret))
    remove_worker("default", "web")
    added("web")  # the name of a removed one is free


def test_what_is_no_suite_or_no_key_is_refused_before_anything_is_written(ring):
    ring.current()
    card = Card.of(WorkerSecret.generate())
    with pytest.raises(UnknownSuite):
        add_worker("default", "other", card, "rot13")
    with pytest.raises(ImproperPublicKey):
        add_worker("default", "other", Card(dict.fromkeys(SUITES, b"short")), "x25519")
    assert Worker.objects.count() == Grant.objects.count() == 1


def test_a_stranger_can_add_nobody(ring, start_as):
    ring.current()
    start_as(WorkerSecret.generate())
    with pytest.raises(WrongWorkerSecret):
        added()


# -- removing -------------------------------------------------------------------------------------


def test_a_removed_worker_does_not_get_the_new_epoch_and_is_told(ring, start_as):
    ring.current()
    me, gone, third = worker_secret(), added("gone"), added("third")
    rotation = remove_worker("default", "gone")
    assert rotation.number == 2
    assert set(rotation.granted) == {me.worker_id, third.worker_id}
    assert Worker.objects.get(id=gone.worker_id).removed_at is not None
    with pytest.raises(WrongWorkerSecret, match="was removed from this database on"):
        start_as(gone).current()
    assert start_as(third).current().number == 2


def test_any_worker_removes_any_other_while_that_one_is_offline(ring, start_as):
    ring.current()
    first = worker_secret()
    start_as(added("second"))
    assert remove_worker("default", first.worker_id).number == 2
    with pytest.raises(WrongWorkerSecret):
        start_as(first).current()


def test_the_last_one_and_oneself_stay(ring, start_as):
    ring.current()
    own = worker_secret().worker_id
    for myself in (False, True):
        with pytest.raises(WorkerError, match="last worker"):
            remove_worker("default", own, myself=myself)
    other = added()
    with pytest.raises(WorkerError, match="this very process"):
        remove_worker("default", own)
    assert Epoch.objects.count() == 1
    remove_worker("default", own, myself=True)
    assert start_as(other).current().number == 2
    with pytest.raises(WorkerError, match="last worker"):
        remove_worker("default", "other", myself=True)


def test_a_worker_that_was_not_granted_is_no_successor(ring):
    """Somebody who stands in the table only could not open the database afterwards."""
    ring.current()
    stranger = WorkerSecret.generate()
    Worker.objects.create(
        id=stranger.worker_id,
        name="by hand",
        suite="x25519",
        public_key=stranger.public_key("x25519"),
    )
    with pytest.raises(WorkerError, match="last worker"):
        remove_worker("default", worker_secret().worker_id, myself=True)


def test_nobody_is_removed_twice_or_by_a_wrong_name(ring):
    ring.current()
    gone = added("gone")
    remove_worker("default", "gone")
    with pytest.raises(WorkerError, match=r"No worker is called 'gone'. There are: first"):
        remove_worker("default", "gone")
    with pytest.raises(WorkerError, match="was removed"):
        remove_worker("default", gone.worker_id)
    assert Epoch.objects.count() == 2


# -- what stands in the tables is not believed ----------------------------------------------------


def test_a_worker_written_into_the_tables_gets_nothing(ring, start_as):
    ring.current()
    thief = WorkerSecret.generate()
    Worker.objects.create(
        id=thief.worker_id, name="thief", suite="x25519", public_key=thief.public_key("x25519")
    )
    assert rotate("default").left_out == (thief.worker_id,)
    with pytest.raises(WorkerError, match="Nobody who has epoch 2 vouched"):
        grant_worker("default", "thief")
    with pytest.raises(WrongWorkerSecret):
        start_as(thief).current()


def test_a_public_key_exchanged_in_the_table_changes_nothing(ring, start_as):
    ring.current()
    honest, thief = added("honest", "x25519"), WorkerSecret.generate()
    Worker.objects.filter(id=honest.worker_id).update(public_key=thief.public_key("x25519"))
    rotate("default")
    assert start_as(honest).current().number == 2


def test_a_foreign_endorsement_stops_the_rotation_until_that_worker_is_removed(ring):
    ring.current()
    one, two = added("one"), added("two")
    theirs = Grant.objects.get(worker_id=two.worker_id)
    Grant.objects.filter(worker_id=one.worker_id).update(endorsement=theirs.endorsement)
    with pytest.raises(SealBroken, match=one.worker_id):
        rotate("default")
    assert Epoch.objects.count() == 1
    assert remove_worker("default", "one").number == 2


def test_a_removal_taken_back_by_hand_gives_nothing(ring, start_as):
    ring.current()
    gone = added("gone")
    remove_worker("default", "gone")
    Worker.objects.update(removed_at=None)
    assert rotate("default").left_out == (gone.worker_id,)
    with pytest.raises(WrongWorkerSecret):
        start_as(gone).current()


# -- granting -------------------------------------------------------------------------------------


def test_a_grant_that_was_damaged_is_made_anew_by_its_endorsement(ring, start_as):
    ring.current()
    other = added("other", "x25519")
    Grant.objects.filter(worker_id=other.worker_id).update(sealed=b"damaged")
    Worker.objects.filter(id=other.worker_id).update(suite=SUITES[0], public_key=b"damaged")
    assert grant_worker("default", "other") == other.worker_id
    row = Worker.objects.get(id=other.worker_id)
    assert (row.suite, bytes(row.public_key)) == ("x25519", other.public_key("x25519"))
    assert start_as(other).current().number == 1


def test_an_endorsement_under_an_older_epoch_counts_for_nothing(ring):
    ring.current()
    gone = added("gone")
    remove_worker("default", "gone")
    Worker.objects.update(removed_at=None)
    with pytest.raises(WorkerError, match="worker card"):
        grant_worker("default", gone.worker_id)


@pytest.mark.parametrize("suite", [None, "x25519"])
def test_the_suite_of_a_grant_is_not_taken_from_the_table(ring, start_as, suite):
    ring.current()
    other = added()
    rotate("default")
    Grant.objects.filter(worker_id=other.worker_id).delete()
    Worker.objects.filter(id=other.worker_id).update(suite="x25519")
    grant_worker("default", "other", Card.of(other), suite)
    chosen = suite or SUITES[0]
    assert Grant.objects.get(worker_id=other.worker_id).suite == chosen
    assert Worker.objects.get(id=other.worker_id).suite == chosen
    assert start_as(other).current().number == 2


def test_without_an_endorsement_the_card_is_needed_and_must_be_theirs(ring, start_as):
    ring.current()
    other = added()
    Grant.objects.filter(worker_id=other.worker_id).delete()
    with pytest.raises(WorkerError, match="worker card"):
        grant_worker("default", "other")
    with pytest.raises(WorkerError, match="The card is that of"):
        grant_worker("default", "other", Card.of(WorkerSecret.generate()))
    grant_worker("default", "other", Card.of(other))
    assert start_as(other).current().number == 1


def test_a_removed_worker_is_not_granted_again(ring):
    ring.current()
    gone = added("gone")
    remove_worker("default", "gone")
    with pytest.raises(WorkerError, match="was removed"):
        grant_worker("default", gone.worker_id, Card.of(gone))


# -- listing --------------------------------------------------------------------------------------


def test_the_list_says_who_opens_what(ring):
    ring.current()
    gone, stays = added("gone"), added("stays", "x25519")
    remove_worker("default", "gone")
    first, second, third = list_workers("default")
    assert (first.own, first.epochs, first.has_current) == (True, (1, 2), True)
    assert (second.id, second.epochs, second.has_current) == (gone.worker_id, (1,), False)
    assert second.removed_at is not None and second.removed_at <= timezone.now()
    assert (third.id, third.suite, third.removed_at) == (stays.worker_id, "x25519", None)
    assert third.has_current and not third.own
