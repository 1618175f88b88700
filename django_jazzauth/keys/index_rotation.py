"""New index keys: the beginning and the end of a re-indexing."""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection, Iterable, Sequence

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from ..crypto.envelope import FORMAT
from ..crypto.index_cipher import MAX_GENERATION
from ..errors import ReindexRefused
from .keyring import keyring
from .loading import OpenedKeys, load_keys
from .models import Epoch, IndexColumn, IndexRoot
from .rotation import opened_keys
from .source import key_provider
from .wrapping import KEY_BYTES

Column = tuple[str, str]


def span(generation: int) -> tuple[bytes, bytes]:
    """Below and above all ciphertexts of a generation, as databases order bytes."""
    return FORMAT + bytes((generation,)), FORMAT + bytes((generation + 1,))


def generation_of(alias: str, columns: Sequence[Column]) -> dict[Column, int]:
    """The generation that each column is under, or moves to; nothing in a database without keys."""
    keys = load_keys(alias, key_provider())
    if keys is None:
        return {}
    found = {column: keys.generations(*column) for column in columns}
    return {column: target or generation for column, (generation, target) in found.items()}


def announce(alias: str, columns: Sequence[Column]) -> int:
    """Make a new index root, and say that columns are going to move to it.

    From now on they are searched under both. Nothing has moved yet.

    Args:
        alias: database alias.
        columns: entity and field of each; those that move already are left alone.

    Returns:
        The number of the new generation; 0: all of them move already.

    Raises:
        ReindexRefused: there are as many generations as there can be.
        WorkerError: the database has no keys yet.
    """
    with transaction.atomic(using=alias):
        keys = opened_keys(alias)
        places = {column: keys.generations(*column) for column in columns}
        resting = {column: here for column, (here, target) in places.items() if target is None}
        if not resting:
            return 0
        number = _free_number(alias)
        IndexRoot.objects.using(alias).update_or_create(
            generation=number,
            defaults={
                "epoch_id": uuid.UUID(bytes=keys.current.id),
                "wrapped": keys.current.wrap_index_root(number, os.urandom(KEY_BYTES)),
                "created_at": timezone.now(),
                "retired_at": None,
            },
        )
        for (entity, field), here in resting.items():
            IndexColumn.objects.using(alias).update_or_create(
                entity=entity,
                field=field,
                defaults={"generation": here, "target": number, "boundary": span(here)[0]},
            )
        _tell_writers(alias, keys, {*keys.generations_left, number})
    return number


def settle(alias: str, columns: Sequence[Column], needed: Collection[int]) -> list[int]:
    """Say that columns have arrived, and destroy the index roots that nothing is under any more.

    Args:
        alias: database alias; the caller holds the places, and has seen that nothing is left.
        columns: entity and field of each.
        needed: generations that other columns are under.

    Returns:
        The generations whose roots were destroyed.
    """
    keys = opened_keys(alias)
    for entity, field in columns:
        moved = IndexColumn.objects.using(alias).filter(entity=entity, field=field)
        moved.exclude(target=None).update(generation=F("target"), target=None, boundary=b"")
    rows = IndexColumn.objects.using(alias).values_list("generation", "target")
    used = {*needed, *(number for row in rows for number in row if number is not None)}
    unused = IndexRoot.objects.using(alias).filter(retired_at=None).exclude(generation__in=used)
    numbers = sorted(unused.values_list("generation", flat=True))
    unused.update(wrapped=None, retired_at=timezone.now())
    _tell_writers(alias, keys, keys.generations_left.difference(numbers))
    return numbers


def _free_number(alias: str) -> int:
    """The number of the next generation: a new one, or else that which was destroyed first."""
    roots = IndexRoot.objects.using(alias)
    number = int(roots.aggregate(newest=Max("generation"))["newest"] or 0) + 1
    # The one after it must be a byte, too, for the span of this one to have an end.
    if number < MAX_GENERATION:
        return number
    destroyed = roots.exclude(retired_at=None).order_by("retired_at", "generation").first()
    if destroyed is None:
        raise ReindexRefused(
            f"There are {number - 1} generations of index keys in use, and there cannot be more."
        )
    return int(destroyed.generation)


def _tell_writers(alias: str, keys: OpenedKeys, generations: Iterable[int]) -> None:
    """Let nobody write an event any more who has not read the keys after this transaction.

    Args:
        alias: database alias.
        keys: from :func:`opened_keys`, in this transaction.
        generations: of the index roots that are not destroyed now.
    """
    Epoch.objects.using(alias).filter(id=uuid.UUID(bytes=keys.current.id)).update(
        index_state=F("index_state") + 1, index_seal=keys.current.seal_generations(generations)
    )
    transaction.on_commit(keyring(alias).forget, using=alias)
