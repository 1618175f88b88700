"""Making the projections again from the log."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connections, transaction

from ..errors import StoreError
from ..keys.keyring import keyring
from . import trigram_index
from .event_sql import hold_writer_lock
from .events import head_of, newest_records, open_record
from .journal import ENDED
from .registry import Projector, projectors
from .sealing import State, seal_head
from .trigram_tokens import indexed_fields

Progress = Callable[[str, int], None]


def rebuild(
    using: str = "default", progress: Progress | None = None, drop_unlogged: bool = False
) -> dict[str, int]:
    """Drop every projection and make it again from the newest event of each stream.

    Args:
        using: database alias.
        progress: called with the entity and the number of rows made so far.
        drop_unlogged: delete rows that no event knows of (put in by SQL, or older than the model's
            being event-sourced) instead of refusing.

    Returns:
        Entity name to the number of rows made.

    Raises:
        SealBroken: an event was tampered with; nothing is changed then.
        StoreError: rows would be lost, because the log does not know them.
    """
    connection = connections[using]
    keyring(using).forget()  # heads are sealed under the epoch in use, whatever was read before
    counts: dict[str, int] = {}
    with transaction.atomic(using=using), connection.constraint_checks_disabled():
        hold_writer_lock(connection)
        kinds = projectors()
        if not drop_unlogged:
            _refuse_loss(using, kinds)
        for projector in reversed(kinds):
            projector.clear(using)
        trigram_index.clear(using)
        for projector in kinds:
            counts[projector.entity] = _rebuild_entity(using, projector, progress)
            trigram_index.completed(using, projector.entity)
        connection.check_constraints()
    return counts


def _refuse_loss(using: str, kinds: list[Projector]) -> None:
    for projector in kinds:
        unlogged = projector.unlogged(using)
        if unlogged:
            raise StoreError(
                f"{len(unlogged)} rows of {projector.entity} have no events, the first is "
                f"{unlogged[0]}: a rebuild would delete them. Journal them first (create them "
                "through the model), or allow it with drop_unlogged=True."
            )


def _rebuild_entity(using: str, projector: Projector, progress: Progress | None) -> int:
    keys = keyring(using)
    indexed = bool(indexed_fields(projector.entity))
    texts: list[tuple[str, State]] = []
    count = 0
    for record in newest_records(using, projector.entity):
        if record.type in ENDED:
            continue
        state, _ = open_record(using, record)
        head = projector.upcast(head_of(record, state))
        epoch_id = keys.current().id
        cipher = keys.head_cipher(epoch_id, projector.entity)
        blob = seal_head(cipher, epoch_id, record.stream, head)
        projector.insert(using, projector.key(record.stream), head, blob)
        if indexed:
            texts.append((record.stream, head.state))
            if len(texts) == trigram_index.BATCH:
                trigram_index.write(using, projector.entity, texts)
                texts.clear()
        count += 1
        if progress is not None and count % 500 == 0:
            progress(projector.entity, count)
    if texts:
        trigram_index.write(using, projector.entity, texts)
    projector.inserted(using)
    return count
