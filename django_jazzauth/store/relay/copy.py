"""Writing what a relay published into another database: a copy of the log, checked as it grows.

A copy has the same events at the same positions with the same digests, so ``verify`` and
``rebuild`` work on it as on the original. It takes nothing on trust: each event must follow the one
before it in its stream, its digest must be what follows from its bytes, and one that ends an entity
must open.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.management.color import no_style
from django.db import connections, transaction

from ...crypto.digest import payload_hash
from ...drivers import uuid_parameter
from ...errors import CopyRefused
from ...keys.carrying import (
    DataKeyCarried,
    KeyringCarried,
    knows_epochs,
    put_data_keys,
    put_keyring,
)
from ...keys.erasing import erasing
from ...keys.keyring import keyring
from ..chained import digest_of
from ..event_sql import last_events
from ..journal import COMPACTED, ENDED, NO_DIGEST
from ..models import EVENT_TABLE, CopyCursor, Trigrams
from ..models import Event as EventRecord
from ..registry import projector_for
from .endings import is_genuine_end
from .wire import EventCarried

_COLUMNS = (
    "position, stream, version, type, schema, key_id, recorded_at, digest, payload, payload_hash, "
    "txid"
)


@dataclass(slots=True)
class Written:
    """What was new.

    Attributes:
        events: events that were written.
        repeated: events that the copy had.
        keys: data keys that were written.
        destroyed: data keys that were destroyed in the copy.
    """

    events: int = 0
    repeated: int = 0
    keys: int = 0
    destroyed: int = 0


class Copy:
    """The copy in one database.

    Args:
        alias: database alias.
        stream: name of the JetStream stream that it follows.

    Raises:
        CopyRefused: the database has events of its own.
    """

    def __init__(self, alias: str, stream: str) -> None:
        self.alias = alias
        self._stream = stream
        rows = CopyCursor.objects.using(alias)
        row = rows.filter(stream=stream).first()
        if row is None:
            if rows.exists():
                raise CopyRefused("The database is a copy of another stream.")
            if EventRecord.objects.using(alias).exists():
                raise CopyRefused(
                    "The database has events of its own: a copy begins with an empty, migrated "
                    "database."
                )
            row = rows.create(stream=stream)
        self.events: int = row.events
        self.keys: int = row.keys

    def write_events(self, events: Sequence[EventCarried], sequence: int, done: Written) -> None:
        """Append events, and note up to where the JetStream stream was read.

        Args:
            events: in the order in which they were published.
            sequence: number of the last message.
            done: counts what is written.

        Raises:
            CopyRefused: one does not continue the copy, or ends an entity and does not open.
                Nothing of the batch is written.
            RelayUnavailable: the data key of one that ends an entity has not arrived yet.
        """
        new: list[EventCarried] = []
        connection = connections[self.alias]
        # Rows that ended go one by one, whatever still points at them.
        with transaction.atomic(using=self.alias), connection.constraint_checks_disabled():
            last = {
                stream: (version, digest)
                for stream, (version, digest, _, _) in last_events(
                    self.alias, sorted({event.stream for event in events})
                ).items()
            }
            for event in events:
                version, previous = last.get(event.stream, (0, NO_DIGEST))
                if event.version <= version:
                    done.repeated += 1
                    if event.version == version and event.digest != previous:
                        raise CopyRefused(
                            f"{event.stream}@{event.version}: the copy has another event there. "
                            "The log was rolled back, or the copy was written to; begin a new copy."
                        )
                    continue
                _check(event, version, previous)
                last[event.stream] = (event.version, event.digest)
                new.append(event)
            self._insert(new)
            for event in new:
                if event.type in ENDED and is_genuine_end(self.alias, event):
                    self._end(event)
            self._note(events=sequence)
        done.events += len(new)
        self.events = sequence

    def write_keys(
        self,
        keys: Sequence[DataKeyCarried],
        ring: KeyringCarried | None,
        sequence: int,
        done: Written,
    ) -> bool:
        """Take keys over, and note up to where the JetStream stream was read.

        Args:
            keys: in the order in which they were published.
            ring: the newest keyring among the messages.
            sequence: number of the last message.
            done: counts what is written.

        Returns:
            False: an epoch is not known yet, and nothing was written. Fetch the newest keyring.
        """
        # What is destroyed is overwritten in SQLite's file, too.
        with erasing(self.alias):
            if ring is not None:
                put_keyring(self.alias, ring)
            if not knows_epochs(self.alias, {key.epoch_id for key in keys}):
                transaction.set_rollback(True, using=self.alias)
                return False
            destroyed = put_data_keys(self.alias, keys)
            self._note(keys=sequence)
        self.keys = sequence
        done.keys += len(keys)
        done.destroyed += len(destroyed)
        for id_ in destroyed:
            keyring(self.alias).data_key_destroyed(id_)
        keyring(self.alias).forget()
        return True

    def _note(self, **sequences: int) -> None:
        moved = CopyCursor.objects.using(self.alias).filter(stream=self._stream)
        if not moved.update(moved_at=time.time_ns() // 1000, **sequences):
            raise CopyRefused("The copy's own row is gone: begin a new copy.")

    def _insert(self, events: Sequence[EventCarried]) -> None:
        if not events:
            return
        connection = connections[self.alias]
        quote = connection.ops.quote_name
        columns = ", ".join(quote(name) for name in _COLUMNS.split(", "))
        marks = ", ".join(["%s"] * 11)
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {EVENT_TABLE} ({columns}) VALUES ({marks})",  # noqa: S608
                [
                    (
                        event.position,
                        event.stream,
                        event.version,
                        event.type,
                        event.schema,
                        uuid_parameter(connection, event.key_id),
                        event.recorded_at,
                        event.digest,
                        event.payload,
                        event.payload_hash,
                        event.txid,
                    )
                    for event in events
                ],
            )
            # Should the copy be written to one day, it goes on where the original was.
            for sql in connection.ops.sequence_reset_sql(no_style(), [EventRecord]):
                cursor.execute(sql)

    def _end(self, event: EventCarried) -> None:
        """What ended has no row, also before the next rebuild; what was compacted no payload."""
        projector = projector_for(event.stream)
        if projector is not None:
            projector.forget_row(self.alias, projector.key(event.stream))
        Trigrams.objects.using(self.alias).filter(stream=event.stream).delete()
        if event.type != COMPACTED:
            return
        rows = EventRecord.objects.using(self.alias).filter(
            stream=event.stream, version__lt=event.version, payload__isnull=False
        )
        with connections[self.alias].cursor() as cursor:
            for row in list(rows):
                cursor.execute(
                    f"UPDATE {EVENT_TABLE} SET payload = NULL, payload_hash = %s "  # noqa: S608
                    "WHERE position = %s",
                    [payload_hash(bytes(row.payload)), row.position],
                )


def _check(event: EventCarried, version: int, previous: bytes) -> None:
    """Whether an event follows the last one of its stream."""
    place = f"{event.stream}@{event.version}"
    if event.version != version + 1:
        raise CopyRefused(
            f"{place}: version {version + 1} was never received. Something was deleted from the "
            "stream of NATS; begin a new copy, and publish everything again."
        )
    hashed = event.payload_hash if event.payload is None else payload_hash(event.payload)
    if digest_of(event, previous, hashed) != event.digest:
        raise CopyRefused(
            f"{place}: its digest does not follow from its content and the event before it. It was "
            "changed on the way, or before."
        )
