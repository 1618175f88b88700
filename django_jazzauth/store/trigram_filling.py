"""Filling the trigram index where it is not complete, or was made with other keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db import connections, transaction

from ..conf import get_settings
from ..drivers import execute_all
from .models import TRIGRAM_TABLE, TrigramIndex
from .registry import Projector, projector_for
from .sealing import State
from .trigram_index import BATCH, write
from .trigram_tokens import listed

Progress = Callable[[str, int], None]


def refresh(alias: str, progress: Progress | None = None) -> dict[str, int]:
    """Make the index complete: for every entity that the settings name, and nobody else.

    Writers may go on, as long as all of them run with the present settings. Safe to be killed and
    run again; until it is done, searches open heads as if there were no index.

    Args:
        alias: database alias.
        progress: called with the entity and the number of rows looked at so far.

    Returns:
        Entity to the number of its rows.
    """
    configured = get_settings().TRIGRAM_INDEX
    for known in TrigramIndex.objects.using(alias).exclude(entity__in=configured):
        _prune(alias, known.entity, everything=True)
        known.delete()
    counts = {}
    for entity, fields in configured.items():
        TrigramIndex.objects.using(alias).update_or_create(
            entity=entity, defaults={"fields": listed(entity, fields), "complete": False}
        )
        count = 0
        for page in _pages(alias, entity):
            with transaction.atomic(using=alias):
                write(alias, entity, sorted(page, key=lambda row: row[0]), fill=True)
            count += len(page)
            if progress is not None:
                progress(entity, count)
        # An entity that ended between reading and writing left its tokens behind.
        _prune(alias, entity)
        TrigramIndex.objects.using(alias).filter(entity=entity).update(complete=True)
        counts[entity] = count
    return counts


def renew(alias: str, entities: Iterable[str]) -> None:
    """Write the tokens of these entities anew where they were made with other keys.

    Args:
        alias: database alias.
        entities: stable names of models.
    """
    for entity in entities:
        for page in _pages(alias, entity):
            with transaction.atomic(using=alias):
                write(alias, entity, sorted(page, key=lambda row: row[0]), fill=True)
        _prune(alias, entity)


def _pages(alias: str, entity: str) -> Iterator[list[tuple[str, State]]]:
    projector = projector_for(entity)
    after: Any = None
    while projector is not None:
        page = projector.states(alias, after, BATCH)
        # A head that does not open is verify's business.
        readable = [(stream, state) for _, stream, state in page if state is not None]
        if readable:
            yield readable
        if len(page) < BATCH:
            return
        after = page[-1][0]


def _prune(alias: str, entity: str, *, everything: bool = False) -> None:
    """Delete the tokens of entities that are not there any more."""
    projector = None if everything else projector_for(entity)
    prefix = f"{entity}/"
    after = ""
    while True:
        with connections[alias].cursor() as cursor:
            cursor.execute(
                f"SELECT stream FROM {TRIGRAM_TABLE} WHERE stream LIKE %s "  # noqa: S608 - constant
                f"AND stream > %s ORDER BY stream LIMIT {BATCH}",
                [f"{prefix}%", after],
            )
            page = [row[0] for row in cursor.fetchall()]
        if not page:
            return
        after = page[-1]
        # LIKE takes other names for the same: "_" stands for any character, and case is nothing.
        streams = [stream for stream in page if stream.startswith(prefix)]
        there = projector.present(alias, streams) if projector and streams else set()
        gone = [stream for stream in streams if stream not in there]
        if gone:
            _delete_unless_back(alias, projector, gone)


def _delete_unless_back(alias: str, projector: Projector | None, streams: list[str]) -> None:
    connection = connections[alias]
    sql = f"DELETE FROM {TRIGRAM_TABLE} WHERE stream = %s"  # noqa: S608 - constant
    while streams:
        with transaction.atomic(using=alias):
            execute_all(connection, sql, [(stream,) for stream in streams])
            # Who restores one now waits for us; whoever did it before is seen here.
            back = projector.present(alias, streams) if projector else set()
            if not back:
                return
            transaction.set_rollback(True, using=alias)
        streams = [stream for stream in streams if stream not in back]
