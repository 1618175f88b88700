"""Everything that somebody with SQL can change, changed: what ``verify`` says, and what loads.

``python -m tests.soak.tamper --events 200`` (a database of its own, as the other soak programs)
flips every byte of every column of random events and rows, swaps heads between rows, streams,
versions and epochs, deletes and re-inserts. Each change is undone before the next one. The result
counts, for each kind of change, how often it was made, how often ``verify`` reported it without and
with checkpoints, and how often the row loaded although it was changed.

``verify`` does the same for each stream and its row, one after another. So that hundreds of
thousands of changes can be tried, the stream that was changed is looked at first, by that same
code; what shows there, shows in the whole. Only a change that does not show there, and a random one
in ``--whole``, is put to the whole ``verify``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import django
from django.db import connection, transaction


@dataclass
class Tally:
    """What became of one kind of change."""

    made: int = 0
    reported: int = 0
    by_checkpoint: int = 0
    loaded: int = 0
    missed: int = 0
    whole: int = 0


class Tampering:
    """Changes one thing at a time, inside a savepoint that is undone.

    Args:
        seed: of the random choices.
        bytes_each: how many bytes of a column are flipped; None: every one.
        whole: one change in so many is put to the whole ``verify``, wherever it shows.
    """

    def __init__(self, seed: int, bytes_each: int | None = None, whole: int = 1) -> None:
        self.random = random.Random(seed)
        self.bytes_each = bytes_each
        self.whole = whole
        self.sampling = random.Random(seed)
        self.disagreed: list[str] = []
        self.tallies: dict[str, Tally] = {}
        self.missed: list[str] = []

    # -- changes ------------------------------------------------------------------------------

    def flip_events(self, count: int) -> None:
        """Every byte of every column of random events."""
        from django_jazzauth.store.models import Event

        events = list(Event.objects.order_by("position").values_list("position", "stream"))
        for position, stream in self.random.sample(events, min(count, len(events))):
            for field in Event._meta.concrete_fields:
                if field.primary_key:
                    for other in (-position, position + 10_000_000):
                        self.change(
                            "event.position", "jazzauth_event", field, position, other, None, stream
                        )
                    continue
                self.flip(f"event.{field.name}", "jazzauth_event", field, position, None, stream)

    def flip_rows(self, model: Any, count: int) -> None:
        """Every byte of every column of random rows."""
        from django_jazzauth.sealed.binding import require_binding

        keys = list(model._base_manager.order_by("pk").values_list("pk", flat=True))
        for key in self.random.sample(keys, min(count, len(keys))):
            for field in model._meta.local_concrete_fields:
                if field.primary_key:
                    continue
                name = f"{model._meta.model_name}.{field.name}"
                stream = require_binding(model).stream(key)
                self.flip(name, model._meta.db_table, field, key, model, stream)

    def flip(self, name: str, table: str, field: Any, key: Any, model: Any, stream: str) -> None:
        """One column of one row, in every way in which its type can be changed a little."""
        column_key = (model._meta.pk if model else Key(field.model)).column
        sql = f"SELECT {quote(field.column)} FROM {quote(table)} WHERE {quote(column_key)} = %s"
        with connection.cursor() as cursor:
            cursor.execute(sql, [self.key(model, key)])
            value = cursor.fetchone()[0]
        for other in self.others(field, value):
            self.change(name, table, field, key, other, model, stream)

    def others(self, field: Any, value: Any) -> Iterator[Any]:
        """Other values of the column: each byte flipped, or what comes next to a number."""
        if isinstance(value, memoryview):
            value = bytes(value)
        if field.get_internal_type() == "UUIDField" and value is not None:
            known = value if isinstance(value, uuid.UUID) else uuid.UUID(value)
            for raw in self.flipped(known.bytes):
                yield field.get_db_prep_value(uuid.UUID(bytes=raw), connection)
        elif isinstance(value, bytes):
            yield from self.flipped(value)
        elif isinstance(value, str):
            for place in self.places(len(value)):
                letter = "x" if value[place] != "x" else "y"
                yield value[:place] + letter + value[place + 1 :]
        elif isinstance(value, bool) or field.get_internal_type() == "BooleanField":
            yield not value
        elif isinstance(value, int):
            if field.null:  # the marker of a sealed field
                yield None
            for bit in range(15 if field.get_internal_type() != "BigIntegerField" else 56):
                if bit % 8 == 0:
                    yield value ^ (1 << bit)
        elif value is None:
            for candidate in (b"\x00" * 32, 1, "2020-01-01 00:00:00"):
                if self.takes(field, candidate):
                    yield candidate
        elif hasattr(value, "replace"):  # a time
            yield value.replace(year=value.year - 1)
        if value is not None and field.null:
            yield None

    def takes(self, field: Any, value: Any) -> bool:
        """Whether the column can hold a value where it held none."""
        kind = field.db_type(connection).lower()
        if isinstance(value, bytes):
            return any(each in kind for each in ("blob", "bytea"))
        if isinstance(value, int):
            return "int" in kind and "time" not in kind
        return "time" in kind

    def flipped(self, raw: bytes) -> Iterator[bytes]:
        for place in self.places(len(raw)):
            changed = bytearray(raw)
            changed[place] ^= 1 << self.random.randrange(8)
            yield bytes(changed)

    def places(self, length: int) -> list[int]:
        if self.bytes_each is None or length <= self.bytes_each:
            return list(range(length))
        return self.random.sample(range(length), self.bytes_each)

    def change(
        self,
        name: str,
        table: str,
        field: Any,
        key: Any,
        value: Any,
        model: Any,
        stream: str | None = None,
    ) -> None:
        """Set one column of one row; ``stream`` is where to look first."""
        column_key = (model._meta.pk if model else Key(field.model)).column

        def act() -> None:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"UPDATE {quote(table)} SET {quote(field.column)} = %s "
                    f"WHERE {quote(column_key)} = %s",
                    [value, self.key(model, key)],
                )

        self.attempt(name, act, (model, key) if model else None, stream)

    def key(self, model: Any, key: Any) -> Any:
        return key if model is None else model._meta.pk.get_db_prep_value(key, connection)

    def swaps(self, model: Any, count: int) -> None:
        """Heads and whole rows of others, heads of earlier versions, heads of no key of ours."""
        rows = list(model._base_manager.order_by("pk").values_list("pk", flat=True))
        table = model._meta.db_table
        head = model._meta.sealed_head
        for _ in range(count):
            one, two = self.random.sample(rows, 2)
            blobs = {key: self.value(model, head, key) for key in (one, two)}
            self.change(f"{table}: head of another row", table, head, one, blobs[two], model)
            for blob in (blobs[one][:1] + bytes(16) + blobs[one][17:], bytes(len(blobs[one]))):
                self.change(f"{table}: head of another database", table, head, one, blob, model)

    def value(self, model: Any, field: Any, key: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {quote(field.column)} FROM {quote(model._meta.db_table)} "
                f"WHERE {quote(model._meta.pk.column)} = %s",
                [self.key(model, key)],
            )
            value = cursor.fetchone()[0]
        return bytes(value) if isinstance(value, memoryview) else value

    def old_heads(self, model: Any, old: dict[Any, bytes]) -> None:
        """Heads of earlier versions, put back into their rows: genuine, but not the newest."""
        for key, blob in old.items():
            head = model._meta.sealed_head
            self.change("old head put back", model._meta.db_table, head, key, blob, model)

    def deletions(self, count: int) -> None:
        """Events in the middle and at the end, whole streams, rows, all that belongs together."""
        from django_jazzauth.store.models import Event
        from tests.testapp.models import Patient

        streams = list(
            Event.objects.filter(version=3, stream__startswith="patient/").values_list(
                "stream", flat=True
            )
        )
        for stream in self.random.sample(streams, min(count, len(streams))):
            for name, condition in (
                ("middle event deleted", "version = 2"),
                (
                    "last event deleted",
                    "version = (SELECT m FROM (SELECT MAX(version) AS m FROM "
                    "jazzauth_event WHERE stream = %s) x)",
                ),
                ("stream deleted", "1 = 1"),
            ):
                params = [stream] * (1 + condition.count("%s"))
                self.attempt(
                    name,
                    sql(f"DELETE FROM jazzauth_event WHERE stream = %s AND {condition}", *params),
                    # As long as there is a log, the row is still the newest that it says.
                    (Patient, stream.partition("/")[2]) if name == "stream deleted" else None,
                )
            self.attempt("stream and row deleted", self.entity_deleted(stream), None)
            self.attempt("row deleted", self.row_deleted(stream), None)
            self.attempt(
                "deleted row put back",
                self.row_put_back(stream),
                (Patient, stream.partition("/")[2]),
            )

    def row_put_back(self, stream: str) -> Callable[[], None]:
        from tests.testapp.models import Patient

        pk = stream.partition("/")[2]
        key = self.key(Patient, Patient._meta.pk.to_python(pk))

        def act() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT * FROM testapp_patient WHERE id = %s", [key])
                names = ", ".join(quote(column[0]) for column in cursor.description)
                values = cursor.fetchone()
            Patient.objects.get(pk=pk).delete()
            marks = ", ".join(["%s"] * len(values))
            sql(f"INSERT INTO testapp_patient ({names}) VALUES ({marks})", *values)()

        return act

    def row_deleted(self, stream: str) -> Callable[[], None]:
        from tests.testapp.models import Patient

        key = Patient._meta.pk.get_db_prep_value(
            Patient._meta.pk.to_python(stream.partition("/")[2]), connection
        )

        def act() -> None:
            sql("DELETE FROM testapp_patient_tags WHERE patient_id = %s", key)()
            sql("DELETE FROM testapp_patient WHERE id = %s", key)()

        return act

    def entity_deleted(self, stream: str) -> Callable[[], None]:
        def act() -> None:
            self.row_deleted(stream)()
            sql("DELETE FROM jazzauth_event WHERE stream = %s", stream)()

        return act

    # -- judging ------------------------------------------------------------------------------

    def codes(self, name: str, stream: str | None, tally: Tally) -> set[str]:
        """What ``verify`` says of a change."""
        from django_jazzauth.keys.keyring import keyring
        from django_jazzauth.store import store

        here = set() if stream is None else look(stream)
        if here and self.sampling.randrange(self.whole):
            return here
        tally.whole += 1
        keyring("default").forget()
        found = {problem.code for problem in store.verify().problems}
        if not here <= found:
            self.disagreed.append(name)
        return found

    def attempt(
        self,
        name: str,
        act: Callable[[], None],
        row: tuple[Any, Any] | None,
        stream: str | None = None,
    ) -> None:
        """Make a change, see who notices, and undo it."""
        from django.db import Error as DatabaseError

        from django_jazzauth.errors import JazzAuthError

        try:
            with transaction.atomic():
                try:
                    with transaction.atomic():
                        act()
                except (DatabaseError, ValueError):
                    raise Undo from None  # the database refuses it
                tally = self.tallies.setdefault(name, Tally())
                tally.made += 1
                codes = self.codes(name, stream, tally)
                if codes - BY_CHECKPOINT:
                    tally.reported += 1
                elif codes:
                    tally.by_checkpoint += 1
                else:
                    tally.missed += 1
                    self.missed.append(name)
                if row is not None:
                    model, key = row
                    try:
                        model._base_manager.get(pk=key)
                    except (JazzAuthError, model.DoesNotExist):
                        pass
                    else:
                        tally.loaded += 1
                raise Undo
        except Undo:
            pass


class Undo(Exception):
    """The change is taken back."""


class Key:
    """The primary key of the event table."""

    def __init__(self, model: Any) -> None:
        self.column = model._meta.pk.column


BY_CHECKPOINT = {
    "EVENT_REMOVED",
    "EVENT_INSERTED",
    "TREE_DIFFERS",
    "CHECKPOINT_BROKEN",
    "CHECKPOINT_AHEAD",
    "CHECKPOINT_DIFFERS",
}


def look(stream: str) -> set[str]:
    """What the walk of ``verify`` finds in one stream and its row."""
    from django_jazzauth.store.problems import Report
    from django_jazzauth.store.verify_rows import RowChecks
    from django_jazzauth.store.verify_streams import Walk, stream_rows

    report = Report()
    walk, rows = Walk("default", report), RowChecks("default", report)
    for found, newest in [*walk.page(stream_rows("default", [stream])), *walk.end()]:
        rows.add(found, newest)
    rows.finish()
    return {problem.code for problem in report.problems}


def quote(name: str) -> str:
    return connection.ops.quote_name(name)


def sql(statement: str, *params: Any) -> Callable[[], None]:
    def act() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, params)

    return act


def populate(people: int) -> dict[Any, bytes]:
    """Users and patients of several versions, and a checkpoint; gives heads from before."""
    from django.contrib.auth import get_user_model

    from django_jazzauth.sealed.binding import require_binding
    from django_jazzauth.sealed.projection import select_heads
    from django_jazzauth.store.checkpoints import take
    from tests.testapp.models import Patient, Ward

    ward = Ward.objects.create(name="ward")
    users = [
        get_user_model().objects.create(username=f"user{n}", email=f"u{n}@example.org")
        for n in range(max(2, people // 4))
    ]
    patients = [
        Patient.objects.create(
            record_no=f"r{n}", name=f"name {n}", notes="n", owner=users[n % len(users)], ward=ward
        )
        for n in range(people)
    ]
    old = select_heads(require_binding(Patient), "default", [p.pk for p in patients])
    for patient in patients:
        for notes in ("second", "third"):
            patient.notes = notes
            patient.save()
    take()
    by_text = {require_binding(Patient).pk_text(p.pk): p.pk for p in patients}
    return {by_text[text]: blob for text, blob in old.items()}


def run(
    people: int, samples: int, seed: int, bytes_each: int | None, whole: int = 1
) -> dict[str, Any]:
    """Make every kind of change and report."""
    from django.contrib.auth import get_user_model

    from tests.testapp.models import Patient

    old = populate(people)
    tampering = Tampering(seed, bytes_each, whole)
    tampering.flip_events(samples)
    users = min(samples // 4, get_user_model().objects.count())
    tampering.flip_rows(get_user_model(), users)
    tampering.flip_rows(Patient, samples - users)
    tampering.swaps(Patient, samples)
    tampering.old_heads(Patient, dict(list(old.items())[:samples]))
    tampering.deletions(samples)
    return {
        "made": sum(tally.made for tally in tampering.tallies.values()),
        "put_to_the_whole_verify": sum(tally.whole for tally in tampering.tallies.values()),
        "disagreed": tampering.disagreed,
        "missed": tampering.missed,
        "loaded": {name: t.loaded for name, t in tampering.tallies.items() if t.loaded},
        "need_a_checkpoint": sorted(
            name for name, tally in tampering.tallies.items() if tally.by_checkpoint
        ),
        "kinds": {name: vars(tally) for name, tally in tampering.tallies.items()},
    }


if __name__ == "__main__":
    django.setup()
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bytes", type=int, default=None, help="of each column; default: all")
    parser.add_argument("--whole", type=int, default=500, help="one in so many by all of verify")
    given = parser.parse_args()
    with transaction.atomic():
        transaction.get_connection().atomic_blocks[-1]._from_testcase = True
        outcome = run(given.people, given.events, given.seed, given.bytes, given.whole)
        print(json.dumps(outcome, indent=2))
        transaction.set_rollback(True)
    sys.exit(1 if outcome["missed"] or outcome["disagreed"] else 0)
