import uuid

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_jazzauth.errors import KeyDestroyed, KeyUnavailable, SealBroken, ValueNotStorable
from django_jazzauth.keys.keyring import Keyring, keyring
from django_jazzauth.keys.models import DataKey, Epoch

from .conftest import clear_keys, own_key, rotate


def row_of(handle):
    return DataKey.objects.get(pk=uuid.UUID(bytes=handle.id))


def destroy(handle, **changes):
    changes = {"wrapped": None, "subject": None, "destroyed_at": timezone.now()} | changes
    DataKey.objects.filter(pk=uuid.UUID(bytes=handle.id)).update(**changes)


def same_key(one, other):
    return one.open(other.seal(b"x", b""), b"") == b"x"


def test_a_new_subject_costs_one_insert(ring, django_assert_num_queries):
    ring.current()
    with django_assert_num_queries(1) as queries:
        handle = ring.data_key("user/1", fresh=True)
    assert queries[0]["sql"].startswith("INSERT")
    row = row_of(handle)
    assert row.subject == "user/1" and row.epoch.number == 1 and row.destroyed_at is None
    assert len(handle.id) == 16


def test_a_known_subject_costs_one_select_and_then_nothing(ring, django_assert_num_queries):
    made = ring.data_key("user/1")
    ring.forget()
    ring.current()
    with django_assert_num_queries(1):
        found = ring.data_key("user/1")
    with django_assert_num_queries(0):
        assert ring.data_key("user/1") is found
    assert found.id == made.id and same_key(found.envelope, made.envelope)


def test_an_unknown_subject_is_looked_for_first(ring, django_assert_num_queries):
    ring.current()
    with django_assert_num_queries(2):
        ring.data_key("user/1")


def test_a_subject_that_is_not_as_new_as_was_thought(ring, django_assert_num_queries):
    other = Keyring("default").data_key("user/1")
    ring.current()
    with transaction.atomic(), django_assert_num_queries(2):
        mine = ring.data_key("user/1", fresh=True)
    assert mine.id == other.id and same_key(mine.envelope, other.envelope)
    assert DataKey.objects.count() == 1


def test_a_conflict_does_not_spoil_the_transaction_around_it(ring):
    Keyring("default").data_keys(["a", "b"])
    with transaction.atomic():
        ring.data_keys(["a", "b", "c"], fresh=True)
        assert DataKey.objects.count() == 3


def test_it_is_stored_in_the_transaction_of_the_caller(ring):
    ring.current()
    with transaction.atomic():
        gone = ring.data_key("user/1")
        transaction.set_rollback(True)
    assert not DataKey.objects.exists()
    ring.forget()
    assert ring.data_key("user/1").id != gone.id


@pytest.mark.parametrize("count", [1, 164, 165, 166, 498, 499, 500, 1000])
@pytest.mark.parametrize("fresh", [True, False])
def test_many_at_once(ring, count, fresh, django_assert_max_num_queries):
    ring.current()
    subjects = [f"user/{number}" for number in range(count)]
    inserts, selects = -(-count // 165), -(-count // 499)
    with django_assert_max_num_queries(inserts + (0 if fresh else selects)):
        made = ring.data_keys(subjects, fresh=fresh)
    assert list(made) and made.keys() == set(subjects)
    assert len({handle.id for handle in made.values()}) == count == DataKey.objects.count()
    ring.forget()
    ring.current()
    with django_assert_max_num_queries(selects):
        found = ring.data_keys(subjects)
    assert {name: handle.id for name, handle in found.items()} == {
        name: handle.id for name, handle in made.items()
    }
    with django_assert_max_num_queries(0):
        ring.data_keys(subjects)


def test_some_known_some_cached_some_new_some_twice(ring):
    stored = Keyring("default").data_keys(["a", "b"])
    cached = ring.data_key("c")
    found = ring.data_keys(["d", "a", "c", "a", "b", "d"])
    assert found["a"].id == stored["a"].id and found["b"].id == stored["b"].id
    assert found["c"] is cached
    assert DataKey.objects.count() == len(found) == 4


def test_none_at_all(ring):
    assert ring.data_keys([]) == {}
    assert ring.data_keys_by_id([]) == {}


LOOKALIKES = [
    "user/a",
    "user/A",
    "user/a ",
    " user/a",
    "user/ä",
    "user/a\u0308",
    "user/ß",
    "user/ss",
]


@pytest.mark.parametrize("fresh", [True, False])
def test_only_equal_subjects_are_equal(ring, fresh):
    handles = ring.data_keys(LOOKALIKES, fresh=fresh)
    assert len({handle.id for handle in handles.values()}) == len(LOOKALIKES)
    ring.forget()
    for subject in LOOKALIKES:
        assert ring.data_key(subject).id == handles[subject].id


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
        max_size=6,
    )
)
def test_any_text_can_be_a_subject(ring, subjects):
    made = ring.data_keys(subjects)
    ring.forget()
    found = ring.data_keys(subjects)
    assert {s: handle.id for s, handle in found.items()} == {s: h.id for s, h in made.items()}


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("", "1 to 255"),
        ("x" * 256, "1 to 255"),
        ("a\0b", "NUL"),
        ("a\ud800", "lone surrogate"),
    ],
)
def test_what_a_database_would_cut_or_refuse_is_refused_first(ring, subject, reason):
    ring.current()
    with pytest.raises(ValueNotStorable, match=reason):
        ring.data_key(subject, fresh=True)
    assert not DataKey.objects.exists()


def test_255_characters_fit(ring):
    subject = "𝄞" * 255
    made = ring.data_key(subject)
    ring.forget()
    assert ring.data_key(subject).id == made.id


# -- by id ----------------------------------------------------------------------------------------


def test_by_id(ring, django_assert_num_queries):
    handles = ring.data_keys([f"user/{number}" for number in range(600)])
    ids = [handle.id for handle in handles.values()]
    ring.forget()
    ring.current()
    with django_assert_num_queries(2):
        found = ring.data_keys_by_id([*ids, *ids, b"?" * 16])
    assert found.keys() == set(ids)
    assert all(same_key(found[handle.id], handle.envelope) for handle in handles.values())
    with django_assert_num_queries(0):
        assert ring.data_keys_by_id(ids) == found
    ring.forget()
    ring.current()
    with django_assert_num_queries(1):
        assert same_key(ring.data_key_by_id(ids[0]), found[ids[0]])


def test_an_unknown_id_is_named(ring):
    with pytest.raises(KeyUnavailable, match="3f" * 16):
        ring.data_key_by_id(b"?" * 16)


@pytest.mark.parametrize(
    "changes",
    [{}, {"subject": "user/1"}, {"wrapped": b"still here"}, {"destroyed_at": None}],
    ids=["whole", "subject kept", "only marked", "only emptied"],
)
def test_a_destroyed_key_says_so(ring, changes):
    handle = ring.data_key("user/1")
    alive = ring.data_key("user/2")
    destroy(handle, **changes)
    ring.forget()
    with pytest.raises(KeyDestroyed, match=handle.id.hex()) as caught:
        ring.data_key_by_id(handle.id)
    assert caught.value.code == "KEY_DESTROYED"
    assert ring.data_keys_by_id([handle.id, alive.id]).keys() == {alive.id}


def test_a_destroyed_key_that_kept_its_subject_is_not_made_anew(ring):
    destroy(ring.data_key("user/1"), subject="user/1")
    ring.forget()
    for fresh in (True, False):
        with pytest.raises(KeyDestroyed):
            ring.data_key("user/1", fresh=fresh)


def test_many_destroyed_keys_share_no_subject(ring):
    for _ in range(3):
        destroy(ring.data_key("user/1"))
        ring.forget()
    assert DataKey.objects.filter(subject=None).count() == 3


# -- epochs that change underneath ----------------------------------------------------------------


def test_a_superseded_epoch_takes_no_new_key(ring):
    ring.current()
    new = rotate()
    handle = ring.data_key("user/1", fresh=True)
    assert row_of(handle).epoch_id.bytes == new.id == ring.current().id


@pytest.mark.parametrize("fresh", [True, False])
def test_a_vanished_epoch_is_replaced(ring, fresh):
    ring.data_key("user/1")
    clear_keys()
    handle = ring.data_key("user/2", fresh=fresh)
    assert row_of(handle).epoch == Epoch.objects.get()


def test_keys_under_an_older_epoch_still_open(ring):
    handles = ring.data_keys(["user/1", "user/2"])
    rotate()
    ring.forget()
    assert ring.data_key("user/1").id == handles["user/1"].id
    assert same_key(ring.data_key_by_id(handles["user/2"].id), handles["user/2"].envelope)


def test_keys_under_an_epoch_of_another_process_are_opened(ring):
    ring.current()
    rotate()
    other = Keyring("default").data_keys(["a", "b", "c"])
    assert ring.data_key("a", fresh=True).id == other["a"].id
    ring.forget()
    ring.current()


@pytest.mark.parametrize("bulk", [True, False])
def test_by_id_too(ring, bulk):
    ring.current()
    rotate()
    other = Keyring("default").data_key("a")
    found = ring.data_keys_by_id([other.id])[other.id] if bulk else ring.data_key_by_id(other.id)
    assert same_key(found, other.envelope)


def closed_epoch():
    """An epoch that this worker cannot open, in use before the present one."""
    old = Epoch.objects.get(superseded_at=None)
    rotate()
    Epoch.objects.filter(number=2).update(previous_wrapped=None)
    old.grants.all().delete()
    Epoch.objects.filter(pk=old.pk).update(retired_at=timezone.now())


def test_keys_under_a_closed_epoch_are_unavailable(ring):
    handle = ring.data_key("user/1")
    root = own_key(Epoch.objects.get())
    closed_epoch()
    ring.forget()
    ring.current()
    for ask in (
        lambda: ring.data_key("user/1"),
        lambda: ring.data_key("user/1", fresh=True),
        lambda: ring.data_key_by_id(handle.id),
        lambda: ring.data_keys_by_id([handle.id]),
        lambda: ring.head_cipher(root.id, "user"),
    ):
        with pytest.raises(KeyUnavailable, match=root.id.hex()):
            ask()


def test_it_gives_up_when_the_epoch_never_holds_still(ring, monkeypatch):
    ring.current()
    monkeypatch.setattr("django_jazzauth.keys.keyring.insert_data_keys", lambda *args: 0)
    with pytest.raises(KeyUnavailable, match="on every try"):
        ring.data_key("user/1")


# -- tampering ------------------------------------------------------------------------------------


def test_every_changed_byte_of_a_wrapped_key_is_noticed(ring):
    handle = ring.data_key("user/1")
    wrapped = bytes(row_of(handle).wrapped)
    for position in range(len(wrapped)):
        changed = bytearray(wrapped)
        changed[position] ^= 1
        DataKey.objects.update(wrapped=bytes(changed))
        ring.forget()
        with pytest.raises(SealBroken, match=handle.id.hex()):
            ring.data_key("user/1")


def test_swapped_keys_are_noticed(ring):
    one, two = ring.data_key("user/1"), ring.data_key("user/2")
    first, second = row_of(one), row_of(two)
    DataKey.objects.filter(pk=first.pk).update(wrapped=second.wrapped)
    ring.forget()
    with pytest.raises(SealBroken):
        ring.data_key("user/1")
    with pytest.raises(SealBroken):
        ring.data_key_by_id(one.id)


def test_a_key_given_to_another_subject_is_noticed(ring):
    handle = ring.data_key("user/1")
    DataKey.objects.update(subject="user/2")
    ring.forget()
    with pytest.raises(SealBroken):
        ring.data_key("user/2")
    with pytest.raises(SealBroken):
        ring.data_keys_by_id([handle.id])


# -- memory ---------------------------------------------------------------------------------------


def test_memory_is_bounded_and_answers_stay_right(ring, settings):
    settings.JAZZAUTH = {**settings.JAZZAUTH, "MEMO_SIZE": 20}  # rows; half as many keys
    small = keyring("default")
    subjects = [f"user/{number}" for number in range(30)]
    made = small.data_keys(subjects)
    opened = small._holder.get()
    assert len(opened.by_subject) == len(opened.by_id) == 10
    assert {name: small.data_key(name).id for name in subjects} == {
        name: handle.id for name, handle in made.items()
    }


def test_without_memory_it_works_too(ring, settings):
    settings.JAZZAUTH = {**settings.JAZZAUTH, "MEMO_SIZE": 0}
    small = keyring("default")
    assert small.data_key("user/1").id == small.data_key("user/1").id


def test_handles_show_no_key(ring):
    handle = ring.data_key("user/1")
    assert "Envelope" not in repr(handle)
    assert handle.id.hex()[:8] not in repr(handle.envelope)


def test_statements_stay_within_the_parameter_limit(ring, django_assert_max_num_queries):
    ring.current()
    seen = []

    def count(execute, sql, params, many, context):
        seen.append(len(params or ()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        ring.data_keys([f"user/{number}" for number in range(700)])
        ring.forget()
        ring.data_keys([f"user/{number}" for number in range(700)])
    assert max(seen) <= 500
