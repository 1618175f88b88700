"""A copy in another database: the same log, the same keys, and after a rebuild the same rows."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import override_settings

from django_jazzauth.conf import get_settings
from django_jazzauth.errors import CopyRefused, RelayUnavailable, SealBroken
from django_jazzauth.keys.card import Card
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.models import DataKey, Worker
from django_jazzauth.keys.rotation import rotate
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.workers import add_worker
from django_jazzauth.models import Account
from django_jazzauth.store import store
from django_jazzauth.store.models import Event
from django_jazzauth.store.relay.bus import Bus
from django_jazzauth.store.relay.follower import catch_up
from django_jazzauth.store.relay.publisher import drain
from django_jazzauth.store.relay.wire import stream_subject
from django_jazzauth.store.rewrap import rewrap
from tests.store.forging import forge

from .dump import dump

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("relay_settings")]


def people(count: int, prefix: str = "p") -> list[Any]:
    users = get_user_model().objects
    return [users.create_user(f"{prefix}{n}", f"{prefix}{n}@example.org") for n in range(count)]


def follow(copy: str) -> None:
    drain("default")
    catch_up(copy)


def agrees(copy: str) -> None:
    """What a copy is for."""
    store.rebuild(using=copy)
    report = store.verify(using=copy)
    assert report.ok, report.problems
    assert dump(copy) == dump()


def test_verifies_and_rebuilds_to_the_same_rows(copy: str) -> None:
    users = people(4)
    for user in users:
        Account.objects.create(user=user, provider_id="github", account_id=f"id of {user.pk}")
        user.first_name = "Ada"
        user.save()
    users[3].delete()
    follow(copy)
    agrees(copy)
    mine = dump()
    assert len(mine["jazzauth_user"]) == 3
    assert len(mine["jazzauth_event"]) > 12


def test_grows_with_the_original(copy: str) -> None:
    people(2)
    follow(copy)
    people(3, "q")
    get_user_model().objects.filter(username="p0").update(first_name="Ada")
    follow(copy)
    agrees(copy)


def test_a_rotation_reaches_it(copy: str) -> None:
    people(3)
    follow(copy)
    rotate("default")
    people(1, "q")
    follow(copy)
    rewrap("default")
    follow(copy)
    agrees(copy)


def test_its_workers_go_on_from_their_anchors(copy: str) -> None:
    people(1)
    secret = WorkerSecret.generate()
    add_worker("default", "of the copy", Card.of(secret), None, secret)
    rotate("default")
    follow(copy)
    with override_settings(JAZZAUTH={**settings.JAZZAUTH, "WORKER_SECRET": secret.to_text()}):
        assert keyring(copy).current().number == 2
    rows = Worker.objects.using(copy)
    moved = bytes(rows.get(pk=secret.worker_id).anchor)
    assert moved != bytes(Worker.objects.get(pk=secret.worker_id).anchor)
    Worker.objects.filter(pk=secret.worker_id).update(anchor=None)
    follow(copy)
    assert bytes(rows.get(pk=secret.worker_id).anchor) == moved  # nobody who publishes takes it


def test_shredding_reaches_it_without_a_rebuild(copy: str) -> None:
    user, other = people(2)
    Account.objects.create(user=user, provider_id="github", account_id="1")
    follow(copy)
    store.rebuild(using=copy)
    assert len(dump(copy)["jazzauth_user"]) == 2
    store.shred(user)
    follow(copy)
    theirs = dump(copy)
    assert theirs == dump()
    assert str(other.pk) in str(theirs["jazzauth_user"])
    assert str(user.pk) not in str(theirs["jazzauth_user"])
    assert all(event.readable is False for event in store.history(user, pk=user.pk, using=copy))
    agrees(copy)


def test_a_person_who_comes_again_after_being_forgotten(copy: str) -> None:
    user = people(1)[0]
    follow(copy)
    key = user.pk
    store.shred(user)
    get_user_model().objects.create(pk=key, username="again")
    follow(copy)
    agrees(copy)


def test_compaction_reaches_it(copy: str, settings: Any) -> None:
    user, _ = people(2)
    follow(copy)
    user.delete()
    follow(copy)
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RETENTION": {"user": 0}}
    store.compact()
    follow(copy)
    agrees(copy)


def test_a_copy_that_begins_after_everything(copy: str, settings: Any) -> None:
    """Keys that were re-wrapped, destroyed and dropped before it read anything."""
    user, gone, *_ = people(4)
    drain("default")
    rotate("default")
    rewrap("default")
    gone.delete()
    store.shred(user)
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RETENTION": {"user": 0}}
    drain("default")
    store.compact()
    people(1, "q")
    follow(copy)
    agrees(copy)


def test_messages_that_are_read_again_change_nothing(copy: str) -> None:
    people(3)
    follow(copy)
    before = dump(copy)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM jazzauth_relay")  # everything is published once more
    given = get_settings().RELAY
    with Bus(given) as bus:
        bus.delete_stream(given.STREAM)
        bus.create_stream(given.STREAM, f"{given.SUBJECT_PREFIX}.event.>", only_newest=False)
    from django_jazzauth.store.models import CopyCursor

    CopyCursor.objects.using(copy).update(events=0, keys=0)
    drain("default")
    done = catch_up(copy)
    assert (done.events, done.repeated) == (0, 3)
    assert dump(copy) == before


def test_goes_on_where_the_original_was(copy: str) -> None:
    people(2)
    follow(copy)
    store.rebuild(using=copy)
    get_user_model().objects.using(copy).create(username="new")
    assert store.verify(using=copy).ok
    assert len(dump(copy)["jazzauth_event"]) == 3


def test_a_gap_is_refused(copy: str) -> None:
    user = people(1)[0]
    drain("default")
    given = get_settings().RELAY
    with Bus(given) as bus:
        bus.purge(given.STREAM, stream_subject(given.SUBJECT_PREFIX, f"user/{user.pk}"))
    user.first_name = "Ada"
    user.save()
    drain("default")
    with pytest.raises(CopyRefused, match=f"user/{user.pk}@2"):
        catch_up(copy)
    assert dump(copy)["jazzauth_event"] == []


def test_what_was_changed_on_the_way_is_refused(copy: str) -> None:
    user = people(1)[0]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jazzauth_event SET type = 'restored'")
    drain("default")
    with pytest.raises(CopyRefused, match=f"user/{user.pk}@1: its digest"):
        catch_up(copy)


def test_another_past_is_refused(copy: str) -> None:
    user = people(1)[0]
    follow(copy)
    with connection.cursor() as cursor:
        for table in ("event", "relay", "user"):
            cursor.execute(f"DELETE FROM jazzauth_{table}")
    get_user_model().objects.create(pk=user.pk, username="somebody else")
    drain("default")
    with pytest.raises(CopyRefused, match="another event"):
        catch_up(copy)


def test_a_database_with_events_of_its_own_is_refused(copy: str) -> None:
    people(1)
    get_user_model().objects.using(copy).create(username="new")
    drain("default")
    with pytest.raises(CopyRefused, match="events of its own"):
        catch_up(copy)


@pytest.mark.parametrize("type_", ["deleted", "compacted", "shredded"])
def test_an_end_that_nobody_with_a_key_wrote_is_refused(copy: str, type_: str) -> None:
    user, gone = people(2)
    store.shred(gone)
    follow(copy)
    store.rebuild(using=copy)
    before = dump(copy)
    event = Event.objects.get(stream=f"user/{user.pk}")
    forge(event.stream, type_, DataKey.objects.get(pk=event.key_id))
    with pytest.raises(CopyRefused, match=f"user/{user.pk}@2: .*ends"):
        follow(copy)
    assert dump(copy) == before


@pytest.mark.parametrize("type_", ["deleted", "compacted"])
def test_an_end_under_a_destroyed_key_is_refused(copy: str, type_: str) -> None:
    user, gone = people(2)
    key = DataKey.objects.get(subject=f"user/{gone.pk}")
    store.shred(gone)
    follow(copy)
    store.rebuild(using=copy)
    before = dump(copy)
    forge(f"user/{user.pk}", type_, key)
    with pytest.raises(CopyRefused, match=f"user/{user.pk}@2: .*ends"):
        follow(copy)
    assert dump(copy) == before


def test_an_end_whose_key_has_not_arrived_waits(copy: str) -> None:
    user, other = people(2)
    follow(copy)
    store.rebuild(using=copy)
    pk = user.pk
    user.delete()
    drain("default")
    kept = list(DataKey.objects.using(copy).filter(subject=f"user/{pk}"))
    DataKey.objects.using(copy).filter(pk=kept[0].pk).delete()
    keyring(copy).forget()
    with pytest.raises(RelayUnavailable, match=f"user/{pk}@2"):
        catch_up(copy)
    DataKey.objects.using(copy).bulk_create(kept)
    catch_up(copy)
    assert str(pk) not in str(dump(copy)["jazzauth_user"])
    assert str(other.pk) in str(dump(copy)["jazzauth_user"])


def test_between_rebuilds_rows_are_read_as_they_were_where_the_settings_name_the_copy(
    copy: str, settings: Any
) -> None:
    (user,) = people(1)
    follow(copy)
    store.rebuild(using=copy)
    user.first_name = "Ada"
    user.save()
    follow(copy)
    there = get_user_model().objects.using(copy)
    with pytest.raises(SealBroken):
        there.get(pk=user.pk)
    relay = {**settings.JAZZAUTH["RELAY"], "COPIES": [copy]}
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RELAY": relay}
    assert there.get(pk=user.pk).first_name == there.select_related(None).all()[0].first_name == ""
    store.rebuild(using=copy)
    assert there.get(pk=user.pk).first_name == "Ada"
