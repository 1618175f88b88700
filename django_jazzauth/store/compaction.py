"""Retention: the past of entities that ended is dropped after its time, and the chain still holds.

A stream is dead when its entity was deleted. When the time that ``JAZZAUTH["RETENTION"]`` gives it
has passed, its payloads are replaced by their hashes. Headers and digests stay, so every digest can
still be computed. That the application did it, and nobody else, is an event itself, ``compacted``,
sealed like any other: ``verify`` takes missing payloads only before such an event. So nothing is
dropped on the word of the plain columns: a stream that ``verify`` would complain of stays as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connections, transaction

from ..conf import ImproperJazzAuthSettings, get_settings
from ..crypto.digest import payload_hash
from ..keys.keyring import keyring
from ..keys.tombstones import read_tombstones
from .event_sql import hold_writer_lock, last_events
from .journal import COMPACTED, DELETED, Draft, append
from .problems import Report
from .registry import projectors
from .sealing import Head
from .verify_streams import Row, Walk, row_of, stream_rows

Progress = Callable[[str, int, int], None]

SUBJECT = "compaction"
BATCH = 100
_PAGE = 5000


@dataclass(slots=True)
class Compacted:
    """What was dropped of one kind of entity.

    Attributes:
        streams: how many entities.
        events: how many payloads.
        bytes: how large they were together.
        refused: streams that somebody else seems to have ended or changed, and what ``verify`` says
            of them; they were left as they are.
    """

    streams: int = 0
    events: int = 0
    bytes: int = 0
    refused: dict[str, str] = field(default_factory=dict)


def compact(
    using: str = "default", progress: Progress | None = None, dry_run: bool = False
) -> dict[str, Compacted]:
    """Drop the payloads of dead streams whose time has passed.

    A hundred streams are one transaction: writers wait for no longer than that takes, and a run
    that is killed has finished whole streams only. The next run goes on.

    Args:
        using: database alias; no transaction should be open on it.
        progress: called with the entity, the last position that was looked at and the highest.
        dry_run: count only.

    Returns:
        Entity name to what was dropped, for every entity with a retention.

    Raises:
        ImproperSettings: ``RETENTION`` names an entity that no model has.
    """
    retention = get_settings().RETENTION
    if complaint := unknown_entities():
        raise ImproperJazzAuthSettings(complaint)
    done: dict[str, Compacted] = {}
    for entity, seconds in retention.items():
        done[entity] = Compacted()
        limit = time.time_ns() // 1000 - seconds * 1_000_000
        for streams in _batches(using, entity, limit, progress):
            _compact(using, entity, streams, limit, dry_run, done[entity])
    return done


def unknown_entities() -> str | None:
    """What is wrong with the names in ``RETENTION``; ``None`` if every one is some model's."""
    known = {projector.entity for projector in projectors()}
    unknown = ", ".join(map(repr, sorted(set(get_settings().RETENTION) - known)))
    if not unknown:
        return None
    return (
        f'JAZZAUTH["RETENTION"]: no installed model has the entity name {unknown}. There are '
        f"{', '.join(sorted(known))}."
    )


def _batches(using: str, entity: str, limit: int, progress: Progress | None) -> Iterator[list[str]]:
    """Streams that were deleted long enough ago, as far as one page of the log shows."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute("SELECT MAX(position) FROM jazzauth_event")
        highest = cursor.fetchone()[0] or 0
    prefix = f"{entity}/"
    after = 0
    while after < highest:
        # By position, so that no page is read twice and an index serves, whatever was dropped.
        until = _end_of_page(using, after)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT stream FROM jazzauth_event WHERE position > %s AND position <= %s "
                "AND type = %s AND recorded_at <= %s AND payload IS NOT NULL ORDER BY position",
                [after, until, DELETED, limit],
            )
            found = [row[0] for row in cursor.fetchall()]
        streams = [stream for stream in found if stream.startswith(prefix)]
        for start in range(0, len(streams), BATCH):
            yield streams[start : start + BATCH]
        after = until
        if progress is not None:
            progress(entity, min(after, highest), highest)


def _end_of_page(using: str, after: int) -> int:
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT MAX(position) FROM (SELECT position FROM jazzauth_event "
            "WHERE position > %s ORDER BY position LIMIT %s) page",
            [after, _PAGE],
        )
        return cursor.fetchone()[0] or 2**63 - 1


def _compact(
    using: str, entity: str, streams: list[str], limit: int, dry_run: bool, done: Compacted
) -> None:
    with transaction.atomic(using=using):
        hold_writer_lock(transaction.get_connection(using))
        dead = {
            stream: last
            for stream, last in last_events(using, sorted(set(streams))).items()
            # Created or restored again since, or deleted again, later.
            if last[3] == DELETED and last[2] <= limit
        }
        refused = _refused(using, list(dead)) if dead else {}
        done.refused |= refused
        dead = {stream: last for stream, last in dead.items() if stream not in refused}
        if not dead:
            return
        payloads = _payloads(using, dead)
        if not dry_run:
            dropped = _marked(using, entity, dead)
            payloads = [row for row in payloads if row[1] in dropped]
            _drop(using, payloads)
        done.streams += len({stream for _, stream, _ in payloads})
        done.events += len(payloads)
        done.bytes += sum(len(payload) for _, _, payload in payloads)


def _refused(using: str, streams: list[str]) -> dict[str, str]:
    """Those that the application may not have ended: stream to the code of what is wrong."""
    report = Report()
    walk = Walk(using, report)
    rows = stream_rows(using, streams)
    for _ in (*walk.page(rows), *walk.end()):
        pass  # one that lives has a last event of another type: it is in the report
    wrong: dict[str, str] = {}
    for problem in report.problems:
        wrong.setdefault(problem.stream, problem.code)
    events: dict[str, list[Row]] = {}
    for event in map(row_of, rows):
        if event is not None:
            events.setdefault(event.stream, []).append(event)
    keys = {event.key_id for each in events.values() for event in each}
    opening = keyring(using).data_keys_by_id(keys).keys()
    destroyed = read_tombstones(using, keys - opening)
    for stream, each in events.items():
        if any(event.key_id not in opening and event.key_id not in destroyed for event in each):
            wrong.setdefault(stream, "TOMBSTONE_MISSING")
        elif each[-1].key_id in destroyed and any(event.key_id in opening for event in each):
            # What ends it cannot be opened, and what it would drop can.
            wrong.setdefault(stream, "KEY_DESTROYED")
    return wrong


def _marked(using: str, entity: str, dead: dict[str, tuple[int, bytes, int, str]]) -> set[str]:
    """Append the events that say so; the streams that nobody wrote to at the same moment."""
    drafts = [
        Draft(entity, stream, SUBJECT, COMPACTED, 0, None, Head(version, 0, digest, at, {}))
        for stream, (version, digest, at, _) in dead.items()
    ]
    written = append(using, drafts)
    return {draft.stream for draft, event in zip(drafts, written, strict=True) if event is not None}


def _payloads(using: str, streams: Any) -> list[tuple[int, str, bytes]]:
    names = list(streams)
    marks = ", ".join(["%s"] * len(names))
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT position, stream, payload FROM jazzauth_event "  # noqa: S608 - marks only
            f"WHERE payload IS NOT NULL AND stream IN ({marks}) ORDER BY position",
            names,
        )
        return [(position, stream, bytes(blob)) for position, stream, blob in cursor.fetchall()]


def _drop(using: str, payloads: list[tuple[int, str, bytes]]) -> None:
    with connections[using].cursor() as cursor:
        cursor.executemany(
            "UPDATE jazzauth_event SET payload = NULL, payload_hash = %s "
            "WHERE position = %s AND stream = %s",  # where it is partitioned, by stream
            [(payload_hash(payload), position, stream) for position, stream, payload in payloads],
        )
