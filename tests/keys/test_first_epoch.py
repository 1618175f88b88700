import threading
import time

import pytest
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection, connections, transaction
from django.test import TestCase

from django_jazzauth.errors import KeyUnavailable, WrongWorkerSecret
from django_jazzauth.keys.first_epoch import make_first_epoch
from django_jazzauth.keys.holding import hold_epochs
from django_jazzauth.keys.keyring import Keyring, keyring
from django_jazzauth.keys.loading import load_keys
from django_jazzauth.keys.models import DataKey, Epoch, Grant, IndexRoot, Worker
from django_jazzauth.keys.source import worker_secret

from .conftest import add_worker, clear_keys, own_key


def test_a_database_without_keys_gets_them_at_the_first_use(ring):
    current = ring.current()
    epoch = Epoch.objects.get()
    assert (current.id, current.number) == (epoch.id.bytes, 1)
    assert epoch.superseded_at is epoch.retired_at is epoch.previous_wrapped is None
    worker = Worker.objects.get()
    assert worker.id == worker_secret().worker_id
    assert bytes(worker.public_key) == worker_secret().public_key(worker.suite)
    assert worker.suite == Grant.objects.get().suite == "mlkem768-x25519"
    assert IndexRoot.objects.get().generation == 1
    assert not DataKey.objects.exists()


def test_the_grant_vouches_for_the_public_key(ring):
    ring.current()
    grant, worker = Grant.objects.get(), Worker.objects.get()
    endorsed = own_key(Epoch.objects.get()).endorsed(
        worker.id, grant.suite, bytes(grant.endorsement)
    )
    assert endorsed == bytes(worker.public_key)


def test_the_suite_is_a_setting(ring, settings):
    settings.JAZZAUTH = {**settings.JAZZAUTH, "HPKE_SUITE": "x25519"}
    keyring("default").current()
    assert Worker.objects.get().suite == Grant.objects.get().suite == "x25519"
    settings.JAZZAUTH = {**settings.JAZZAUTH, "HPKE_SUITE": "mlkem768-x25519"}
    assert keyring("default").current().number == 1


def test_it_is_made_once(ring):
    first = ring.current()
    ring.forget()
    assert ring.current() == Keyring("default").current() == first
    assert Epoch.objects.count() == 1


def test_nothing_readable_lies_in_the_tables(ring):
    ring.data_key("user/1")
    handle = ring.data_key("user/1")
    sealed = handle.envelope.seal(b"canary", b"")
    rows = [
        bytes(value)
        for model in (Worker, Epoch, Grant, IndexRoot, DataKey)
        for row in model.objects.values_list()
        for value in row
        if isinstance(value, bytes | memoryview)
    ]
    assert len(rows) >= 5
    assert not any(b"canary" in row or sealed in row for row in rows)
    key = own_key(Epoch.objects.get())
    assert not any(key._key in row for row in rows)


def test_a_worker_that_this_database_does_not_know_makes_nothing(ring):
    other = add_worker()
    with pytest.raises(WrongWorkerSecret, match="not among them") as caught:
        ring.current()
    assert caught.value.worker_id == worker_secret().worker_id
    assert list(Worker.objects.values_list("id", flat=True)) == [other.worker_id]
    assert not Epoch.objects.exists()


def test_a_known_worker_makes_the_first_epoch(ring):
    ring.current()
    worker = Worker.objects.get()
    clear_keys()
    ring.forget()
    worker.save(force_insert=True)
    assert ring.current().number == 1


def test_data_keys_without_epochs_are_refused(ring):
    ring.data_key("user/1")
    with connection.constraint_checks_disabled():
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM jazzauth_grant")
            cursor.execute("DELETE FROM jazzauth_index_root")
            cursor.execute("DELETE FROM jazzauth_epoch")
        ring.forget()
        with pytest.raises(KeyUnavailable, match="from a backup"):
            ring.current()
        assert not Epoch.objects.exists()
        DataKey.objects.all().delete()


def test_another_process_is_quicker(ring, monkeypatch):
    quicker = Keyring("default").current()
    readings = [None]

    def too_early(alias, worker, **options):
        return readings.pop() if readings else load_keys(alias, worker, **options)

    monkeypatch.setattr("django_jazzauth.keys.opened.load_keys", too_early)
    assert ring.current() == quicker
    assert Epoch.objects.count() == Worker.objects.count() == 1


def test_a_transaction_that_cannot_see_the_quicker_process_is_told_to_try_again(ring, monkeypatch):
    Keyring("default").current()
    monkeypatch.setattr("django_jazzauth.keys.opened.load_keys", lambda *args, **options: None)
    with pytest.raises(KeyUnavailable, match="Try again in a new transaction"):
        ring.current()


# -- transactions that are rolled back ------------------------------------------------------------


def test_keys_of_a_rolled_back_transaction_are_not_used_again(ring):
    with transaction.atomic():
        gone = ring.current()
        column = ring.index_cipher("user", "email").seal(b"ada")
        assert ring.current() is gone
        transaction.set_rollback(True)
    assert not Epoch.objects.exists()
    assert ring.current() != gone
    assert Epoch.objects.get().id.bytes == ring.current().id
    assert ring.index_cipher("user", "email").seal(b"ada") != column


def test_keys_made_before_a_savepoint_stay(ring):
    first = ring.current()
    with transaction.atomic():
        ring.forget()
        assert ring.current() == first
        transaction.set_rollback(True)
    assert ring.current() == first and Epoch.objects.count() == 1


def test_rolled_back_and_made_again_in_turns(ring):
    seen = set()
    for _ in range(3):
        with transaction.atomic():
            seen.add(ring.current().id)
            ring.data_key("user/1", fresh=True)
            transaction.set_rollback(True)
    assert len(seen) == 3
    assert not DataKey.objects.exists()


def test_captured_commit_hooks_do_not_fool_it(ring):
    with transaction.atomic():
        with TestCase.captureOnCommitCallbacks(execute=True):
            gone = ring.current()
        assert ring.current() is gone
        transaction.set_rollback(True)
    assert ring.current() != gone


def test_a_failed_making_leaves_nothing_behind(ring, monkeypatch):
    def fail(**kwargs):
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("django_jazzauth.keys.first_epoch.IndexRoot", fail)
        with pytest.raises(RuntimeError, match="disk"):
            ring.current()
    assert not Epoch.objects.exists() and not Worker.objects.exists()
    assert ring.current().number == 1


def test_committed_keys_serve_other_threads_without_a_query(committed_ring):
    ring = committed_ring
    with transaction.atomic():
        made = ring.current()
    seen = []

    def look():
        # A query in this thread would need a connection of its own, which a shut one refuses.
        connections["default"].close()
        seen.append(ring.current())
        assert connections["default"].connection is None

    ring.current()
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [made]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="it has one writer at a time")
def test_who_is_slower_can_go_on_and_write_while_a_third_waits(committed_ring):
    made, failed = threading.Event(), []

    def writer(work):
        def run():
            try:
                with transaction.atomic():
                    work()
            except Exception as error:
                failed.append(error)
            finally:
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def make():
        make_first_epoch("default", worker_secret())
        made.set()
        time.sleep(1)

    def make_later():
        make_first_epoch("default", worker_secret())
        hold_epochs("default")

    threads = [writer(make)]
    assert made.wait(10)
    for work in (make_later, lambda: hold_epochs("default")):
        threads.append(writer(work))
        time.sleep(0.3)
    for thread in threads:
        thread.join(20)
    assert not failed
    assert Epoch.objects.count() == IndexRoot.objects.count() == 1


def test_a_flush_without_a_signal_is_survived(committed_ring):
    gone = committed_ring.data_key("user/1")
    clear_keys()
    assert committed_ring.data_key("user/2", fresh=True).id != gone.id
    assert DataKey.objects.get().epoch == Epoch.objects.get()
    assert committed_ring.current().id == Epoch.objects.get().id.bytes


def test_the_signal_after_migrations_and_flushes_is_heard(committed_ring):
    first = committed_ring.current()
    clear_keys()
    emit_post_migrate_signal(0, False, "default")
    assert committed_ring.current() != first
