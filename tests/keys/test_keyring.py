import os
import threading

import pytest
from django.db import connections
from django.db.utils import load_backend
from django.utils import timezone

from django_jazzauth.errors import KeyUnavailable, SealBroken
from django_jazzauth.keys import opened
from django_jazzauth.keys.keyring import Keyring, keyring
from django_jazzauth.keys.models import DataKey, Epoch, Grant, IndexColumn, IndexRoot, Worker

from .conftest import clear_keys, own_key, rotate, seal_generations

NONCE = bytes(12)


def add_generation(generation):
    row = Epoch.objects.get(superseded_at=None)
    IndexRoot.objects.create(
        generation=generation,
        epoch=row,
        wrapped=own_key(row).wrap_index_root(generation, os.urandom(32)),
    )
    seal_generations()


def test_one_keyring_per_alias():
    assert keyring("default") is keyring("default")
    assert keyring("default") is not keyring("another")


def test_changed_settings_start_anew(settings):
    before = keyring("default")
    settings.JAZZAUTH = {**settings.JAZZAUTH, "MEMO_SIZE": 5}
    assert keyring("default") is not before


# -- heads ----------------------------------------------------------------------------------------


def test_head_ciphers_differ_by_entity_and_are_the_same_in_every_process(ring):
    epoch = ring.current().id
    sealed = ring.head_cipher(epoch, "user").seal(b"state", b"", NONCE)
    assert sealed != ring.head_cipher(epoch, "session").seal(b"state", b"", NONCE)
    assert Keyring("default").head_cipher(epoch, "user").open(sealed, b"") == b"state"


def test_the_hot_path_takes_no_query(ring, django_assert_num_queries):
    epoch = ring.current().id
    handle = ring.data_key("user/1")
    with django_assert_num_queries(0):
        for _ in range(3):
            assert ring.current().id == epoch
            assert ring.head_cipher(epoch, "user") is ring.head_cipher(epoch, "user")
            assert ring.index_cipher("user", "email") is ring.index_cipher("user", "email")
            assert ring.data_key("user/1") is ring.data_key("user/1", fresh=True) is handle
            assert ring.data_key_by_id(handle.id) is handle.envelope


def test_an_unknown_epoch_is_looked_for_once(ring, django_assert_num_queries):
    ring.current()
    # A MariaDB transaction takes the writers' lock first.
    count = 7 if connections["default"].vendor == "mysql" else 5
    with django_assert_num_queries(count), pytest.raises(KeyUnavailable, match=b"x".hex() * 16):
        ring.head_cipher(b"x" * 16, "user")


def test_an_epoch_of_another_process_is_found_without_being_told(ring):
    ring.current()
    new = rotate()
    sealed = new.head_cipher("user").seal(b"state", b"", NONCE)
    assert ring.head_cipher(new.id, "user").open(sealed, b"") == b"state"


def test_a_new_epoch_is_used_after_forget_and_old_heads_still_open(ring):
    old = ring.current()
    sealed = ring.head_cipher(old.id, "user").seal(b"state", b"", NONCE)
    new = rotate()
    assert ring.current() == old
    ring.forget()
    assert (ring.current().id, ring.current().number) == (new.id, 2)
    assert ring.head_cipher(old.id, "user").open(sealed, b"") == b"state"


# -- columns --------------------------------------------------------------------------------------


def test_index_ciphers_differ_by_column_and_are_the_same_in_every_process(ring):
    sealed = ring.index_cipher("user", "email").seal(b"ada")
    assert ring.index_cipher("user", "name").seal(b"ada") != sealed
    assert ring.index_cipher("session", "email").seal(b"ada") != sealed
    assert Keyring("default").index_cipher("user", "email").seal(b"ada") == sealed


def test_entity_and_field_do_not_run_together(ring):
    assert ring.index_cipher("user", "email").seal(b"") != ring.index_cipher("us", "eremail").seal(
        b""
    )


def test_columns_that_move_are_searched_under_both_generations_and_others_under_theirs(ring):
    old = ring.index_cipher("user", "email")
    add_generation(2)
    IndexColumn.objects.create(entity="user", field="email", generation=1, target=2)
    ring.forget()
    assert ring.index_cipher("user", "email").generation == 2
    assert [cipher.generation for cipher in ring.index_ciphers("user", "email")] == [2, 1]
    assert [cipher.generation for cipher in ring.index_ciphers("user", "name")] == [1]
    assert ring.index_cipher_of("user", "email", 1).open(old.seal(b"ada")) == b"ada"


@pytest.mark.parametrize(
    ("boundary", "generation"),
    [
        (lambda old: b"\x01\x01", 1),
        (lambda old: old[:-1], 1),
        (lambda old: old, 2),
        (lambda old: b"\x01\x02", 2),
    ],
)
def test_the_boundary_says_under_which_generation_a_value_is_written(ring, boundary, generation):
    boundary = boundary(ring.index_cipher("user", "email").seal(b"ada"))
    add_generation(2)
    IndexColumn.objects.create(
        entity="user", field="email", generation=1, target=2, boundary=boundary
    )
    ring.forget()
    sealed = ring.seal_column("user", "email", b"ada")
    assert sealed[1] == generation
    assert ring.index_cipher_of("user", "email", generation).open(sealed) == b"ada"


def test_a_destroyed_generation_neither_opens_nor_is_searched(ring):
    ring.index_cipher("user", "email")
    add_generation(2)
    IndexRoot.objects.filter(generation=1).update(retired_at=timezone.now(), wrapped=None)
    seal_generations()
    ring.forget()
    assert [cipher.generation for cipher in ring.index_ciphers("user", "email")] == [2]
    with pytest.raises(KeyUnavailable, match="generation 1"):
        ring.index_cipher_of("user", "email", 1)


def test_a_column_without_its_root_is_not_searched_by_half(ring):
    ring.current()
    IndexColumn.objects.create(entity="user", field="email", generation=1, target=9)
    ring.forget()
    with pytest.raises(SealBroken, match="index roots"):
        ring.index_ciphers("user", "email")


def test_what_is_known_of_the_index_keys_is_asked_for_again_after_a_time(
    ring, settings, django_assert_num_queries
):
    connection = connections["default"]
    ring.index_ciphers("user", "email")
    add_generation(2)
    IndexColumn.objects.create(entity="user", field="email", generation=1, target=2)
    opened = ring._holder.get()
    opened.checked_at -= settings.JAZZAUTH["KEYS_MAX_AGE"]
    # Nothing changed that the epoch tells of.
    assert len(ring.index_ciphers("user", "email")) == 1
    assert ring._holder.get() is opened
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jazzauth_epoch SET index_state = index_state + 1")
    assert len(ring.index_ciphers("user", "email")) == 1
    opened.checked_at -= settings.JAZZAUTH["KEYS_MAX_AGE"]
    with django_assert_num_queries(0):  # a count of queries is left alone
        assert len(ring.index_ciphers("user", "email")) == 1
    assert len(ring.index_ciphers("user", "email")) == 2


def test_a_generation_of_another_process_is_found_without_being_told(ring):
    ring.index_cipher("user", "email")
    add_generation(2)
    assert ring.index_cipher_of("user", "email", 2).generation == 2


def test_an_unknown_generation_is_named(ring):
    with pytest.raises(KeyUnavailable, match="generation 9"):
        ring.index_cipher_of("user", "email", 9)


def test_without_a_live_generation_nothing_is_searched(ring):
    ring.current()
    IndexRoot.objects.update(retired_at=timezone.now())
    seal_generations()
    ring.forget()
    with pytest.raises(KeyUnavailable, match="no live index root"):
        ring.index_cipher("user", "email")


# -- several databases and threads ----------------------------------------------------------------


@pytest.fixture
def elsewhere(tmp_path):
    """A second database, with keys of its own."""
    wrapper = load_backend("django.db.backends.sqlite3").DatabaseWrapper(
        {
            **connections["default"].settings_dict,
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(tmp_path / "elsewhere.sqlite3"),
            "OPTIONS": {},
        },
        alias="elsewhere",
    )
    connections["elsewhere"] = wrapper
    try:
        with wrapper.schema_editor() as editor:
            for model in (Worker, Epoch, Grant, IndexColumn, IndexRoot, DataKey):
                editor.create_model(model)
        yield Keyring("elsewhere")
    finally:
        wrapper.close()
        del connections["elsewhere"]


def test_each_database_has_its_own_keys(ring, elsewhere):
    assert ring.current() != elsewhere.current()
    assert Epoch.objects.using("elsewhere").get().id.bytes == elsewhere.current().id
    assert ring.data_key("user/1").id != elsewhere.data_key("user/1").id
    with pytest.raises(KeyUnavailable):
        ring.head_cipher(elsewhere.current().id, "user")
    assert ring.index_cipher("user", "email").seal(b"ada") != (
        elsewhere.index_cipher("user", "email").seal(b"ada")
    )


def test_threads_share_it_while_it_is_forgotten_again_and_again(ring):
    handles = ring.data_keys([f"user/{number}" for number in range(50)])
    epoch, failures = ring.current(), []
    shared = ring._holder.get()
    # The threads find everything in memory: what is tested is the memory, not the database.
    ring._holder._shared, ring._holder._own.making = shared, None

    def work():
        try:
            for _ in range(300):
                for subject, handle in handles.items():
                    assert ring.data_key(subject).id == handle.id
                assert ring.head_cipher(epoch.id, "user") and ring.index_cipher("user", "email")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_what_is_read_before_forget_is_not_kept_after_it(ring, monkeypatch):
    """A thread that was reading while another called forget() must not bring old keys back."""
    ring.current()
    # Committed keys, as far as the keyring can tell: they would be shared.
    ring._holder._own.making = ring._holder._own.opened = None
    real = opened.load_keys

    def load_and_be_overtaken(alias, worker, **options):
        keys = real(alias, worker, **options)
        rotate()
        ring.forget()
        monkeypatch.setattr(opened, "load_keys", real)
        return keys

    monkeypatch.setattr(opened, "load_keys", load_and_be_overtaken)
    assert ring.current().number == 1
    assert ring.current().number == 2


def test_a_cached_data_key_is_gone_after_forget(ring):
    handle = ring.data_key("user/1")
    DataKey.objects.all().delete()
    assert ring.data_key("user/1") is handle
    ring.forget()
    assert ring.data_key("user/1").id != handle.id
    with pytest.raises(KeyUnavailable):
        ring.data_key_by_id(handle.id)


def test_a_changed_reading_tells_that_keys_may_have_changed(ring):
    ring.current()
    before = ring.reading
    ring.data_key("user/1", fresh=True)
    assert ring.reading == before
    clear_keys()
    ring.data_key("user/1x", fresh=True)
    assert ring.reading != before


def test_everything_vanishes_and_comes_anew(ring):
    for _ in range(3):
        first = ring.current()
        ring.data_key("user/1")
        clear_keys()
        ring.forget()
        assert ring.current() != first


def test_what_is_sought_is_remembered_unless_it_is_long(ring):
    for value in (b"short", b"x" * 10_000):
        assert ring.sought("user", "email", value) == ring.sought("user", "email", value)
        assert ring.sought("user", "email", value) == [
            cipher.seal(value) for cipher in ring.index_ciphers("user", "email")
        ]
    assert len(ring._searched("user", "email").sought) == 1
