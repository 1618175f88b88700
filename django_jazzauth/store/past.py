"""The entities of a model as they were at a time, read from the log in batches."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from ..errors import KeyDestroyed, PastRefused
from ..keys.keyring import keyring
from .events import EPOCH, head_of, open_record
from .journal import ENDED
from .models import Event as EventRecord
from .registry import Projector
from .sealing import Head

_MICROSECOND = datetime.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Past:
    """One entity as it was.

    Attributes:
        key: its primary key.
        head: version and state, brought to the present schema.
    """

    key: Any
    head: Head


def entities_at(
    alias: str,
    projector: Projector,
    when: datetime.datetime,
    streams: Sequence[str] | None = None,
    chunk_size: int = 500,
) -> Iterator[Past]:
    """Those entities of a model that existed at a time, in the order of the log.

    Args:
        alias: database alias.
        projector: the model.
        when: an aware time.
        streams: only these; None: all, which walks through the whole log.
        chunk_size: events per batch.

    Raises:
        PastRefused: what is needed to know was compacted away.
        SealBroken: an event was tampered with.
    """
    limit = (when - EPOCH) // _MICROSECOND
    prefix = f"{projector.entity}/"
    events = EventRecord.objects.using(alias).filter(recorded_at__lte=limit)
    later = events.filter(stream=OuterRef("stream"), version__gt=OuterRef("version"))
    newest = events.filter(~Exists(later)).order_by("position")
    if streams is None:
        yield from _opened(alias, projector, newest.filter(stream__startswith=prefix), chunk_size)
        return
    for start in range(0, len(streams), 400):
        some = newest.filter(stream__in=streams[start : start + 400])
        yield from _opened(alias, projector, some, chunk_size)


def _opened(
    alias: str, projector: Projector, rows: QuerySet[Any], chunk_size: int
) -> Iterator[Past]:
    position = 0
    while True:
        batch = list(rows.filter(position__gt=position)[:chunk_size])
        if not batch:
            return
        position = batch[-1].position
        keyring(alias).drop_destroyed({record.key_id.bytes for record in batch})
        for record in batch:
            # SQLite's LIKE does not mind case.
            if record.type in ENDED or not record.stream.startswith(f"{projector.entity}/"):
                continue
            if record.payload is None:
                raise PastRefused(
                    f"{record.stream} existed then, and its past was compacted away: the log "
                    "cannot say any more how things were. Ask for a later time, or for single "
                    "entities."
                )
            try:
                state, _ = open_record(alias, record)
            except KeyDestroyed:
                continue  # who was forgotten is in no answer
            head = projector.upcast(head_of(record, state))
            yield Past(projector.key(record.stream), head)
