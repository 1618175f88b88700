"""A running process goes on from the epoch that it has, also where its key provider has no ``mac``.

The attacker here writes SQL on a connection of their own, and has no secret. What such a provider
cannot do is to tell a genuine epoch at the *start* (``jazzauth.W010``).
"""

import threading
import time

import pytest
from django.db import connection, connections, transaction

from django_jazzauth.drivers import uuid_parameter
from django_jazzauth.errors import EpochNotTrusted
from django_jazzauth.keys import rotation, trust
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.models import Epoch, Worker
from django_jazzauth.keys.source import key_provider, worker_secret
from django_jazzauth.keys.workers import remove_worker
from django_jazzauth.keys.wrapping import EpochKey

from .attacks import attack, sql
from .conftest import SUITE, clear_keys, own_key
from .test_anchors import added, anchored, start_cold

SECONDS = 20


@pytest.fixture(params=["with mac", "without mac"])
def any_ring(request, committed_ring, settings):
    if request.param == "without mac":
        settings.JAZZAUTH = {
            **settings.JAZZAUTH,
            "KEY_PROVIDER": "tests.keys.unsealing.UnsealOnly",
        }
    return keyring("default")


@pytest.fixture
def unsealing_ring(committed_ring, settings):
    settings.JAZZAUTH = {**settings.JAZZAUTH, "KEY_PROVIDER": "tests.keys.unsealing.UnsealOnly"}
    return keyring("default")


class Elsewhere(threading.Thread):
    """Something done on a connection of its own; ``join`` raises what it raised."""

    def __init__(self, work):
        super().__init__()
        self.work, self.failed = work, None
        self.start()

    def run(self):
        try:
            self.work()
        except BaseException as error:
            self.failed = error
        finally:
            connections.close_all()

    def join(self, timeout=SECONDS):
        super().join(timeout)
        assert not self.is_alive()
        if self.failed is not None:
            raise self.failed


class Looking:
    """Tells when this connection has looked at the table of epochs."""

    def __init__(self):
        self.looked = threading.Event()

    def __call__(self, execute, statement, params, many, context):
        result = execute(statement, params, many, context)
        if statement.startswith("SELECT") and "jazzauth_epoch" in statement:
            self.looked.set()
        return result


def known_by_sql():
    """The worker's row, which anybody can write: its id and public key are no secret."""
    public_key = worker_secret().public_key(SUITE)
    Worker.objects.create(id=worker_secret().worker_id, suite=SUITE, public_key=public_key)


def while_tables_look_empty(work):
    """Hold ``work`` uncommitted until this process has found the tables empty, then commit it."""
    looking, done = Looking(), threading.Event()

    def hold():
        with transaction.atomic():
            work()
            done.set()
            assert looking.looked.wait(SECONDS)
            time.sleep(0.2)  # it waits for this transaction by now; a later INSERT meets the row

    thread = Elsewhere(hold)
    assert done.wait(SECONDS)
    return thread, looking


# -- the tables are emptied under a running process -----------------------------------------------


def test_an_uncommitted_foreign_epoch_in_tables_that_look_empty(any_ring):
    held = any_ring.current()
    clear_keys()

    def slip_in():
        known_by_sql()
        attack(1)

    attacker, looking = while_tables_look_empty(slip_in)
    any_ring.forget()
    with connection.execute_wrapper(looking), pytest.raises(EpochNotTrusted, match="restart"):
        any_ring.current()
    attacker.join()
    assert Epoch.objects.get().id.bytes != held.id
    with pytest.raises(EpochNotTrusted, match="restart"):
        any_ring.data_key("user/new")


def test_an_epoch_that_is_exchanged_while_it_is_made(any_ring):
    """A trigger sees every row that is inserted, and can change it."""
    clear_keys()
    any_ring.forget()

    def exchange(execute, statement, params, many, context):
        result = execute(statement, params, many, context)
        if statement.startswith("INSERT INTO jazzauth_index_root"):
            made = Epoch.objects.get()
            foreign = EpochKey(made.id.bytes, 1, bytes(32))
            own = worker_secret()
            sealed = foreign.grant(own.worker_id, SUITE, own.public_key(SUITE))
            for table, column, value in (
                ("epoch", "public_key", foreign.public_key),
                ("epoch", "index_seal", foreign.seal_generations([1])),
                ("grant", "sealed", sealed),
                ("index_root", "wrapped", foreign.wrap_index_root(1, bytes(32))),
            ):
                sql(f"UPDATE jazzauth_{table} SET {column} = %s", value)
        return result

    with connection.execute_wrapper(exchange), pytest.raises(EpochNotTrusted, match="just now"):
        any_ring.current()
    assert not Epoch.objects.exists()
    assert any_ring.current().number == 1


def test_what_this_process_made_itself_it_goes_on_from(any_ring):
    gone = any_ring.current()
    clear_keys()
    any_ring.forget()
    with transaction.atomic():
        made = any_ring.current()
        any_ring.forget()
        assert any_ring.current() == made
    any_ring.forget()
    assert any_ring.current() == made != gone


def test_what_another_thread_made_is_this_process_own(any_ring):
    """Also before that thread holds to it, which it does some time after its commit."""
    any_ring.current()
    clear_keys()
    any_ring.forget()
    made, read = [], threading.Event()

    def make():
        transaction.on_commit(lambda: read.wait(SECONDS))
        made.append(any_ring.current())

    thread, looking = while_tables_look_empty(make)
    with connection.execute_wrapper(looking):
        current = any_ring.current()
    read.set()
    thread.join()
    assert [current] == made


def test_who_was_there_first_is_believed_where_nothing_was_held(any_ring):
    """Two processes of one worker that start at once: the one waits for the other's epoch."""
    made = []

    def make():
        made.append(keyring("default").current())

    thread, looking = while_tables_look_empty(make)
    trust.let_go("default")  # what the other process made is not this one's
    with connection.execute_wrapper(looking):
        current = any_ring.current()
    thread.join()
    assert [current] == made


# -- what a process holds to ----------------------------------------------------------------------


def test_a_first_reading_that_is_rolled_back_is_held_to(unsealing_ring):
    unsealing_ring.current()
    ring = start_cold()
    with transaction.atomic():
        ring.current()
        transaction.set_rollback(True)
    attack()
    ring.forget()
    with pytest.raises(EpochNotTrusted, match="this process has worked with"):
        ring.current()


def test_an_epoch_that_is_rolled_back_is_not(unsealing_ring):
    unsealing_ring.current()
    ring = start_cold()
    with transaction.atomic():
        rotation.rotate("default")
        assert ring.current().number == 2
        transaction.set_rollback(True)
    ring.forget()
    assert ring.current().number == 1


def test_a_first_epoch_that_is_rolled_back_is_not_held_to_either(unsealing_ring):
    with transaction.atomic():
        unsealing_ring.current()
        transaction.set_rollback(True)
    assert "default" not in trust._held  # another process may make the first epoch now


def test_who_read_before_others_takes_nothing_back(any_ring):
    any_ring.current()
    before = own_key(Epoch.objects.get())
    rotation.rotate("default")
    ring, worker = start_cold(), key_provider()
    with transaction.atomic():
        # What a thread does that read before the rotation, and commits after others went on.
        trust.hold_to("default", worker, None, {before.id: before})
        Elsewhere(ring.current).join()
        assert trust._held["default"].number == 2
    assert trust._held["default"].number == 2


# -- the anchor of a process that sleeps ----------------------------------------------------------


def test_the_anchor_warns_a_process_that_has_not_gone_on(committed_ring, start_as):
    """The removed worker's epoch leads to what this process has, but not to what its worker has."""
    committed_ring.current()
    gone = added("gone")
    asleep = trust._held["default"]
    known = own_key(Epoch.objects.get(), gone)
    remove_worker("default", "gone")
    committed_ring.current()
    genuine = bytes(Worker.objects.get(pk=worker_secret().worker_id).anchor)
    second = uuid_parameter(connection, Epoch.objects.get(number=2).id.bytes)
    sql("DELETE FROM jazzauth_grant WHERE epoch_id = %s", second)
    sql("DELETE FROM jazzauth_index_root")
    sql("DELETE FROM jazzauth_epoch WHERE id = %s", second)
    attack(2, wrapping=known)
    committed_ring.forget()
    trust._held["default"] = asleep  # another process of the same worker, which rested meanwhile
    with pytest.raises(EpochNotTrusted, match="does not lead to epoch 2"):
        committed_ring.current()
    assert bytes(Worker.objects.get(pk=worker_secret().worker_id).anchor) == genuine


@pytest.mark.parametrize("stored", [None, b"", bytes(85)])
def test_an_anchor_that_is_not_its_own_says_nothing_to_a_running_process(committed_ring, stored):
    committed_ring.current()
    sql("UPDATE jazzauth_worker SET anchor = %s", stored)
    committed_ring.forget()
    assert committed_ring.current().number == anchored().number == 1
