"""The log in hash partitions: everything works on it as before, and statements read one of them."""

from __future__ import annotations

import re
from functools import partial
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from django_jazzauth.errors import KeyDestroyed, StoreError
from django_jazzauth.keys.rotation import rotate
from django_jazzauth.models import Session, User
from django_jazzauth.store import store
from django_jazzauth.store.partitions import partition_log, partition_table, partitions_of
from django_jazzauth.store.rewrap import rewrap
from tests.testapp.models import Patient

from .conftest import ON_SERVERS
from .threads import Writer, in_threads

pytestmark = [ON_SERVERS, pytest.mark.usefixtures("cluster")]

PRIMARY = "primary"
_RIGHTS = (
    "SELECT string_agg(grantee || ' ' || privilege_type, ', ' ORDER BY grantee, privilege_type) "
    "FROM information_schema.table_privileges "
    "WHERE table_name = 'jazzauth_event' AND grantee = 'clinic_app'"
)


def _rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall()) if cursor.description else []


def _log() -> list[tuple[Any, ...]]:
    return _rows(
        "SELECT position, stream, version, digest, payload, txid FROM jazzauth_event ORDER BY 1"
    )


def _life(tag: str) -> User:
    """Somebody with a past in the log."""
    user: User = User.objects.using(PRIMARY).create(username=tag, email=f"{tag}@example.org")
    Session.objects.using(PRIMARY).create(token=tag, user=user, expires_at=timezone.now())
    patient = Patient.objects.using(PRIMARY).create(record_no=tag, owner=user)
    patient.name = "saved"
    patient.save()
    gone = Patient.objects.using(PRIMARY).create(record_no=f"{tag} gone", owner=user)
    gone.delete()
    return user


def test_a_log_with_a_past_is_spread_and_goes_on(cluster: Any, whole_again: None) -> None:
    user = _life("ada")
    taken = store.checkpoint(using=PRIMARY).note
    _rows("DROP ROLE IF EXISTS clinic_app")
    _rows("CREATE ROLE clinic_app")
    _rows("GRANT SELECT, INSERT ON jazzauth_event TO clinic_app")
    rights = _rows(_RIGHTS)
    assert rights == [("clinic_app INSERT, clinic_app SELECT",)]
    # A transaction that was rolled back took positions that must not be given again.
    with pytest.raises(RuntimeError), transaction.atomic(using=PRIMARY):
        _life("nobody")
        raise RuntimeError
    reached = _rows("SELECT last_value FROM jazzauth_event_position_seq")[0][0]
    before = _log()
    out = StringIO()
    call_command("jazzauth", "partition", "--count=4", "--no-input", database=PRIMARY, stdout=out)
    assert out.getvalue() == f"{len(before)} events in 4 partitions.\n"
    assert _log() == before
    assert _rows(_RIGHTS) == rights
    held = _rows("SELECT count(DISTINCT tableoid) FROM jazzauth_event")[0][0]
    assert held > 1

    user.name = "Ada"
    user.save()
    assert _log()[-1][0] == reached + 1
    _life("bob")
    report = store.verify(using=PRIMARY, checkpoints=[taken], processes=2)
    assert report.ok, report.problems
    assert store.checkpoint(using=PRIMARY).size == len(_log())

    # With another number of them it is done again.
    assert partition_log(PRIMARY, 3) == len(_log())
    assert partitions_of(PRIMARY) == 3
    with pytest.raises(CommandError, match="3 partitions already"):
        call_command("jazzauth", "partition", "--count=3", "--no-input", database=PRIMARY)
    _life("eve")
    assert store.verify(using=PRIMARY).ok


def test_everything_that_walks_the_log_works_on_partitions(
    cluster: Any, whole_again: None, settings: Any
) -> None:
    ada, bob = _life("ada"), _life("bob")
    partition_log(PRIMARY, 4)
    assert [event.version for event in store.history(ada)] == [1]
    gone = Patient.objects.using(PRIMARY).count()
    settings.JAZZAUTH = settings.JAZZAUTH | {"RETENTION": {"patient": 0}}
    done = store.compact(using=PRIMARY)
    assert (done["patient"].streams, gone) == (2, 2)
    assert store.verify(using=PRIMARY).ok
    store.shred(bob)
    with pytest.raises(KeyDestroyed):
        store.restore(User, bob.pk, using=PRIMARY)
    rotate(PRIMARY)
    assert rewrap(PRIMARY).data_keys >= 1
    counts = store.rebuild(using=PRIMARY)
    assert sum(counts.values()) >= 3
    assert Patient.objects.using(PRIMARY).get(record_no="ada").name == "saved"
    report = store.verify(using=PRIMARY)
    assert report.ok, report.problems


def test_a_version_is_still_given_once(cluster: Any, whole_again: None) -> None:
    """The constraint that keeps two writers from forking a stream stands in every partition."""
    partition_log(PRIMARY, 4)
    patient = Patient.objects.using(PRIMARY).create(record_no="one", visits=0)

    def work(number: int) -> None:
        for _ in range(5):
            mine = Patient.objects.using(PRIMARY).get(pk=patient.pk)
            mine.extra = {**(mine.extra or {}), str(number): True}
            mine.save()

    assert in_threads(PRIMARY, work, 4) == []
    versions = [row[2] for row in _log() if row[1] == f"patient/{patient.pk}"]
    assert versions == list(range(1, len(versions) + 1))
    with pytest.raises(IntegrityError), transaction.atomic(using=PRIMARY):
        _rows(
            "INSERT INTO jazzauth_event (stream, version, type, schema, key_id, recorded_at, "
            "digest, txid) SELECT stream, version, type, schema, key_id, recorded_at, digest, 0 "
            "FROM jazzauth_event LIMIT 1"
        )
    assert store.verify(using=PRIMARY).ok


def test_writers_of_partitions_do_not_wait(cluster: Any, whole_again: None) -> None:
    users = [_life("ada"), _life("bob")]
    partition_log(PRIMARY, 2)
    with Writer(PRIMARY) as one, Writer(PRIMARY) as other:
        for number, (writer, user) in enumerate([(one, users[0]), (other, users[1])] * 2):
            made = Patient(record_no=f"turn {number}", owner=user)
            writer.do(partial(made.save, using=PRIMARY))
        assert _rows("SELECT pg_blocking_pids(%s), pg_blocking_pids(%s)", one.pid, other.pid) == [
            ([], [])
        ]
        other.commit()
        one.commit()
    assert store.verify(using=PRIMARY).ok


def test_statements_about_a_stream_read_one_partition(cluster: Any, whole_again: None) -> None:
    partition_log(PRIMARY, 8)
    plan = "\n".join(
        row[0]
        for row in _rows(
            "EXPLAIN SELECT digest FROM jazzauth_event WHERE stream = 'user/1' AND version = 1"
        )
    )
    assert len(set(re.findall(r" on (jazzauth_event_8_\d)", plan))) == 1


def test_what_cannot_be_made_again_is_refused(cluster: Any) -> None:
    for count in (1, 1025):
        with pytest.raises(StoreError, match="2 to 128"):
            partition_log(PRIMARY, count)
    for made, named, dropped in (
        ("CREATE VIEW newest AS SELECT max(position) FROM jazzauth_event", "view newest", "VIEW"),
        ("CREATE PUBLICATION newest FOR TABLE jazzauth_event", "publication newest", "PUBLICATION"),
        (
            "CREATE STATISTICS newest ON stream, type FROM jazzauth_event",
            "statistics newest",
            "STATISTICS",
        ),
    ):
        _rows(made)
        try:
            with pytest.raises(StoreError, match=named):
                partition_log(PRIMARY, 4)
        finally:
            _rows(f"DROP {dropped} newest")
    _rows("GRANT SELECT (position) ON jazzauth_event TO PUBLIC")
    try:
        with pytest.raises(StoreError, match="rights on column position"):
            partition_log(PRIMARY, 4)
    finally:
        _rows("REVOKE SELECT (position) ON jazzauth_event FROM PUBLIC")
    assert partitions_of(PRIMARY) == 0


def test_the_log_of_a_person_stays_on_one_shard(cluster: Any, whole_again: None) -> None:
    """As the explanation of sharding distributes it: events by data key, data keys by id."""
    assert partition_table(PRIMARY, "jazzauth_data_key", "id", 4) == 0
    partition_table(PRIMARY, "jazzauth_event", "key_id", 4)
    # So many that all of them on one shard would be a wonder: keys have random ids.
    for name in ("ada", *(f"other-{number}" for number in range(11))):
        _life(name)
    ada = User.objects.using(PRIMARY).get(username="ada")
    ada.name = "Ada"
    ada.save()
    # Per transaction: the shards that its events are on, and those that their keys are on.
    shards = _rows(
        "SELECT e.txid, array_agg(DISTINCT right(e.tableoid::regclass::text, 1)), "
        "array_agg(DISTINCT right(k.tableoid::regclass::text, 1)) "
        "FROM jazzauth_event e JOIN jazzauth_data_key k ON k.id = e.key_id GROUP BY e.txid"
    )
    assert len(shards) >= 12 * 6
    for _, events, keys in shards:
        assert events == keys
        assert len(events) == 1
    assert len({events[0] for _, events, _ in shards}) > 1
    store.shred(ada)
    rotate(PRIMARY)
    rewrap(PRIMARY)
    report = store.verify(using=PRIMARY)
    assert report.ok, report.problems
