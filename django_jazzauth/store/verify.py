"""Verification: does the log still say what it said, and do the projections agree with it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.db.models import F

from ..crypto.digest import event_digest, payload_hash
from ..errors import JazzAuthError, KeyDestroyed, WrongWorkerSecret
from .events import open_record
from .journal import ENDED, NO_DIGEST
from .models import Event as EventRecord
from .registry import projector_for, projectors
from .sealing import Head

Progress = Callable[[int, int], None]
BATCH = 500
PIECE = 1000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        code: a stable name, such as ``CHAIN_BROKEN`` or ``COLUMN_DIFFERS``.
        stream: the entity's stream.
        version: the event, or None when the row is meant.
        detail: for people; never a value.
    """

    code: str
    stream: str
    version: int | None
    detail: str


@dataclass(slots=True)
class Report:
    """What ``verify`` found."""

    events: int = 0
    streams: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(using: str = "default", progress: Progress | None = None) -> Report:
    """Check the whole log and every projection.

    Walks every stream: versions without gaps, the digest chain, each payload's seal, and the row:
    its head is the newest event, its columns are the head's. Then every row has a stream. Memory
    does not grow with the log, apart from what is wrong in it.

    Args:
        using: database alias.
        progress: called with the number of events read and their total.

    Returns:
        A report that names every problem.

    Raises:
        WrongWorkerSecret: this worker can open nothing here, so nothing can be said.
    """
    report = Report()
    total = EventRecord.objects.using(using).count() if progress else 0
    living: dict[str, Head] = {}
    try:
        for stream, records in _streams(using):
            report.streams += 1
            head = _verify_stream(using, stream, records, report)
            if progress is not None:
                progress(report.events, total)
            if living and (len(living) >= BATCH or _entity(stream) != _entity(next(iter(living)))):
                _verify_rows(using, living, report)
                living = {}
            if head is not None:
                living[stream] = head
        _verify_rows(using, living, report)
    except ValueError:
        # Without types of its own (SQLite) a database can hold anything in any column.
        detail = "a row of the log holds what none of its columns can hold; no further row is read"
        report.problems.append(Problem("LOG_UNREADABLE", "", None, detail))
        return report
    for projector in projectors():
        for code, stream, detail in projector.strays(using):
            report.problems.append(Problem(code, stream, None, detail))
    return report


def _entity(stream: str) -> str:
    return stream.partition("/")[0]


def _verify_rows(using: str, living: dict[str, Head], report: Report) -> None:
    """Check the rows of some streams of one entity against their newest heads."""
    projector = projector_for(next(iter(living))) if living else None
    if projector is not None:
        for code, stream, detail in projector.problems(using, living):
            report.problems.append(Problem(code, stream, None, detail))


def _records(using: str) -> Iterator[EventRecord]:
    """The whole log in the order of streams, in pieces: not all drivers read a result in parts."""
    events = EventRecord.objects.using(using).order_by(F("stream"), F("version"))
    found = list(events[:PIECE])
    while found:
        yield from found
        last = found[-1]
        rest = events.filter(stream__gte=last.stream)
        found = list(rest.exclude(stream=last.stream, version__lte=last.version)[:PIECE])


def _streams(using: str) -> Iterator[tuple[str, list[EventRecord]]]:
    current: list[EventRecord] = []
    for record in _records(using):
        if current and current[0].stream != record.stream:
            yield current[0].stream, current
            current = []
        current.append(record)
    if current:
        yield current[0].stream, current


def _digest_of(record: EventRecord, previous: bytes, hashed: bytes) -> bytes | None:
    try:
        return event_digest(
            previous=previous,
            stream=record.stream,
            version=record.version,
            type=record.type,
            schema=record.schema,
            key_id=record.key_id.bytes,
            recorded_at=record.recorded_at,
            payload_hash=hashed,
        )
    except ValueError:
        return None  # a column is out of its range


def _verify_stream(
    using: str, stream: str, records: list[EventRecord], report: Report
) -> Head | None:
    """Check one stream; returns its newest head, or None if the entity is deleted."""
    previous = NO_DIGEST
    expected = 1
    state = None
    last = records[-1]

    def found(code: str, version: int, detail: str) -> None:
        report.problems.append(Problem(code, stream, version, detail))

    for record in records:
        report.events += 1
        if record.version != expected:
            found("EVENT_MISSING", expected, "the stream has a gap before this version")
        expected = record.version + 1
        hashed = (
            payload_hash(bytes(record.payload))
            if record.payload is not None
            else bytes(record.payload_hash or b"")
        )
        if _digest_of(record, previous, hashed) != bytes(record.digest) or (
            record.payload_hash is not None and bytes(record.payload_hash) != hashed
        ):
            found("CHAIN_BROKEN", record.version, "the event or one before it was changed")
        previous = bytes(record.digest)
        if record.payload is None:
            continue
        try:
            state, _ = open_record(using, record)
        except KeyDestroyed:
            continue
        except WrongWorkerSecret:
            raise  # nothing is wrong with the event
        except JazzAuthError as error:
            found("SEAL_BROKEN", record.version, str(error))
    if projector_for(stream) is None:
        found("UNKNOWN_ENTITY", last.version, "no installed model has this entity name")
        return None
    if last.type in ENDED:
        return None
    return Head(last.version, last.schema, bytes(last.digest), last.recorded_at, state or {})
