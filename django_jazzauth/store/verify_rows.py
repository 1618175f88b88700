"""The projections: every row is what the newest event of its stream says, and none is missing.

Writers go on meanwhile. So what does not fit is looked at again, together with the newest events,
until the stream stands still.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from ..errors import SealBroken
from .event_sql import last_events
from .journal import ENDED
from .problems import Report
from .registry import Projector, projector_for, projectors
from .trigram_index import differing
from .trigram_tokens import indexed_fields
from .verify_streams import Newest, Walk, stream_rows

BATCH = 500
_TRIES = 5


class RowChecks:
    """Collects living streams and compares their rows, a batch per statement.

    Args:
        alias: database alias.
        report: where problems go.
    """

    def __init__(self, alias: str, report: Report) -> None:
        self._alias = alias
        self._report = report
        self._waiting: dict[str, dict[str, Newest]] = {}

    def add(self, stream: str, newest: Newest) -> None:
        """Take a living stream."""
        entity = stream.partition("/")[0]
        batch = self._waiting.setdefault(entity, {})
        batch[stream] = newest
        if len(batch) >= BATCH:
            self._check(entity)

    def finish(self) -> None:
        """Compare those that still wait."""
        for entity in list(self._waiting):
            self._check(entity)

    def _check(self, entity: str) -> None:
        batch = self._waiting.pop(entity)
        projector = projector_for(entity)
        if projector is None:
            return
        wrong: dict[str, list[tuple[str, str]]] = {}
        for code, stream, detail in self._problems(projector, batch):
            wrong.setdefault(stream, []).append((code, detail))
        for stream, problems in wrong.items():
            self._note(projector, stream, batch[stream], problems)

    def _problems(
        self, projector: Projector, batch: dict[str, Newest]
    ) -> Iterator[tuple[str, str, str]]:
        yield from projector.check(self._alias, batch)
        for stream, newest in batch.items():
            if newest.shredded:
                # Whom the application forgets has no row, and a last event that says so.
                detail = "the entity lives, but the data key of its newest event is destroyed"
                yield "LIVING_UNREADABLE", stream, detail
        if not indexed_fields(projector.entity):
            return
        states = {}
        for stream, newest in batch.items():
            with suppress(SealBroken):  # the check of the row has said it
                if not newest.opaque:
                    states[stream] = projector.upcast(newest.head).state
        for stream in differing(self._alias, projector.entity, states):
            yield "TRIGRAMS_DIFFER", stream, "the trigram index does not hold what its head does"

    def _note(
        self, projector: Projector, stream: str, seen: Newest, problems: list[tuple[str, str]]
    ) -> None:
        for _ in range(_TRIES):
            last = last_events(self._alias, [stream]).get(stream)
            if last is not None and (last[0], last[1]) == (seen.head.version, seen.head.digest):
                break
            # The stream went on while its row was read.
            walk = Walk(self._alias, Report())
            rows = stream_rows(self._alias, [stream])
            found = dict([*walk.page(rows), *walk.end()])
            if stream not in found:
                return  # it has ended; whether a row is left over is seen from the rows
            seen = found[stream]
            problems = [(c, d) for c, _, d in self._problems(projector, {stream: seen})]
            if not problems:
                return
        for code, detail in problems:
            self._report.found(code, stream, None, detail)


def check_strays(alias: str, report: Report) -> None:
    """Rows where the log has no living entity, and values that should be unique and are not."""
    for projector in projectors():
        for streams in projector.row_streams(alias, BATCH):
            _check_page(alias, projector, streams, report)
        for stream, detail in projector.duplicates(alias):
            report.found("NOT_UNIQUE", stream, None, detail)


def _check_page(
    alias: str, projector: Projector, streams: list[str | None], report: Report
) -> None:
    named = [stream for stream in streams if stream is not None]
    if len(named) < len(streams):
        detail = "the primary key of a row is none"
        report.found("ROW_WITHOUT_LOG", projector.entity, None, detail)
    newest = last_events(alias, named)
    for stream in named:
        last = newest.get(stream)
        if last is not None and last[3] not in ENDED:
            continue
        if projector.has_row(alias, stream):  # otherwise it was deleted meanwhile
            detail = "a row stands where the log has no living entity"
            report.found("ROW_WITHOUT_LOG", stream, None, detail)
