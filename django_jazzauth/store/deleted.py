"""What was deleted last: read from the end of the log backwards, a bounded stretch at a time.

There is no index by type: it would cost every write, for a page that is opened now and then. So a
call looks at a limited number of positions, and tells from where to look on.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import Max

from ..errors import JazzAuthError
from ..keys.keyring import keyring
from .event_sql import last_events
from .events import moment, open_record
from .journal import DELETED
from .models import Event as EventRecord
from .registry import Projector

WINDOW = 5_000
MOST_WINDOWS = 10


@dataclass(frozen=True, slots=True)
class Gone:
    """A deleted entity.

    Attributes:
        key: its primary key.
        stream: its stream.
        position: place of the event that ended it.
        deleted_at: when, UTC.
        cause: who did it and how; empty when that cannot be read any more.
        readable: whether it can; otherwise it can hardly come back.
    """

    key: Any
    stream: str
    position: int
    deleted_at: datetime.datetime
    cause: dict[str, Any]
    readable: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the list.

    Attributes:
        gone: newest first.
        before: the position from which to look on; None when the log's beginning was reached.
    """

    gone: list[Gone]
    before: int | None


def deleted_entities(
    alias: str, projector: Projector, *, before: int | None = None, limit: int = 50
) -> Stretch:
    """Entities of a model that are deleted, the latest first.

    Args:
        alias: database alias.
        projector: the model.
        before: only deletions at lower positions; None: from the end of the log.
        limit: the most to return. It may be fewer although there are more: at most
            ``WINDOW * MOST_WINDOWS`` positions are looked at.
    """
    events = EventRecord.objects.using(alias)
    if before is None:
        before = (events.aggregate(last=Max("position"))["last"] or 0) + 1
    prefix = f"{projector.entity}/"
    found: list[Any] = []
    for _ in range(MOST_WINDOWS):
        if before <= 1 or len(found) >= limit:
            break
        low = max(1, before - WINDOW)
        rows = list(
            events.filter(
                position__gte=low,
                position__lt=before,
                type=DELETED,
                stream__startswith=prefix,
            ).order_by("-position")[: limit - len(found)]
        )
        full = len(found) + len(rows) == limit
        before = rows[-1].position if full else low
        # SQLite's LIKE does not mind case.
        found += [row for row in rows if row.stream.startswith(prefix)]
    last = last_events(alias, [row.stream for row in found])
    still = [row for row in found if last[row.stream][0] == row.version]
    keyring(alias).drop_destroyed({row.key_id.bytes for row in still})
    gone = [_gone(alias, projector, row) for row in still]
    return Stretch(gone, before if before > 1 else None)


def _gone(alias: str, projector: Projector, record: EventRecord) -> Gone:
    try:
        _, cause = open_record(alias, record)
    except JazzAuthError:  # tampered with, or not to be read any more: listed all the same
        cause, readable = {}, False
    else:
        readable = True
    return Gone(
        projector.key(record.stream),
        record.stream,
        record.position,
        moment(record.recorded_at),
        cause,
        readable,
    )
