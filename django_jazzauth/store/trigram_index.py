"""The blind trigram index: which entities may contain a text, without opening all their heads.

Opt-in by ``JAZZAUTH["TRIGRAM_INDEX"]``. One row per entity holds the tokens of its texts; it is a
projection like any other, written with the event and made again by ``rebuild``. What it finds are
candidates: whoever asks opens their heads and compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.db import connections

from ..conf import get_settings
from ..drivers import as_octets, execute_all, is_among
from .models import TRIGRAM_TABLE, TrigramIndex
from .sealing import State
from .trigram_tokens import (
    basis_of,
    indexed_fields,
    is_moving,
    listed,
    schema_of,
    stored,
    tokens_of_state,
)

BATCH = 500
_UNKNOWN = object()

Followed = tuple[str, int, str, State | None, State | None]


def is_complete(alias: str, entity: str) -> bool:
    """Whether every entity is in the index with the fields that the settings name now."""
    fields = indexed_fields(entity)
    if not fields:
        return False
    found = TrigramIndex.objects.using(alias).filter(entity=entity, complete=True).first()
    return found is not None and found.fields == listed(entity, fields)


def follow(alias: str, changes: Iterable[Followed]) -> None:
    """Keep the index in step with events, in the transaction that writes them.

    Args:
        alias: database alias.
        changes: entity, schema, stream, state before (None: unknown, or there was none) and state
            after (None: it ended).
    """
    configured = get_settings().TRIGRAM_INDEX
    rows: dict[tuple[str, int], list[tuple[str, State]]] = {}
    ended = []
    for entity, schema, stream, before, after in changes:
        fields = configured.get(entity)
        if fields is None:
            continue
        if after is None:
            ended.append(stream)
        elif before is None or any(
            before.get(name, _UNKNOWN) != after.get(name) for name in fields
        ):
            rows.setdefault((entity, schema), []).append((stream, after))
    for (entity, schema), states in rows.items():
        write(alias, entity, states, schema)
    if ended:
        connection = connections[alias]
        condition, params = is_among(connection, "stream", ended)
        sql = f"DELETE FROM {TRIGRAM_TABLE} WHERE {condition}"  # noqa: S608 - constant
        execute_all(connection, sql, [params])


def write(
    alias: str,
    entity: str,
    states: Sequence[tuple[str, State]],
    schema: int | None = None,
    *,
    fill: bool = False,
) -> None:
    """Write the tokens of entities.

    Args:
        alias: database alias.
        entity: stable name of the model.
        states: stream and state, in the order of streams where others write as well.
        schema: number of the states' schema; by default the present one.
        fill: leave rows alone that were written under the present fields and keys: they are newer.
    """
    connection = connections[alias]
    basis = basis_of(alias, entity, schema_of(entity) if schema is None else schema)
    rows = [
        (stream, stored(connection.vendor, tokens_of_state(alias, entity, state)), basis)
        for stream, state in states
    ]
    execute_all(connection, _upsert(connection.vendor, fill), rows)


def clear(alias: str) -> None:
    """Empty the index before ``rebuild`` fills it."""
    with connections[alias].cursor() as cursor:
        cursor.execute(f"DELETE FROM {TRIGRAM_TABLE}")  # noqa: S608 - constant
    TrigramIndex.objects.using(alias).all().delete()


def completed(alias: str, entity: str) -> None:
    """Note that every entity of a kind has been written."""
    if fields := indexed_fields(entity):
        TrigramIndex.objects.using(alias).update_or_create(
            entity=entity, defaults={"fields": listed(entity, fields), "complete": True}
        )


def differing(alias: str, entity: str, states: Mapping[str, State]) -> Iterator[str]:
    """Streams whose tokens are not those of their state.

    None where the index is not complete, or some rows are under new keys already.
    """
    if not states or not is_complete(alias, entity) or is_moving(alias, entity):
        return
    connection = connections[alias]
    condition, params = is_among(connection, "stream", list(states))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT stream, tokens, basis FROM {TRIGRAM_TABLE} WHERE "  # noqa: S608 - constant
            f"{condition.replace('%b', '%s')}",
            params,
        )
        found = {row[0]: row[1:] for row in cursor.fetchall()}
    basis = basis_of(alias, entity, schema_of(entity))
    for stream, state in states.items():
        expected = stored(connection.vendor, tokens_of_state(alias, entity, state))
        tokens, written_under = found.get(stream, (None, None))
        if connection.vendor != "postgresql":
            tokens = as_octets(tokens)
        if tokens != expected or written_under != basis:
            yield stream


def _upsert(vendor: str, fill: bool) -> str:
    insert = f"INSERT INTO {TRIGRAM_TABLE} (stream, tokens, basis) VALUES (%s, %s, %s) "  # noqa: S608
    if vendor == "mysql":
        keep = "basis = VALUES(basis)"
        tokens = f"IF({keep}, tokens, VALUES(tokens))" if fill else "VALUES(tokens)"
        return f"{insert}ON DUPLICATE KEY UPDATE tokens = {tokens}, basis = VALUES(basis)"
    where = f" WHERE {TRIGRAM_TABLE}.basis <> excluded.basis" if fill else ""
    return (
        f"{insert}ON CONFLICT (stream) DO UPDATE SET tokens = excluded.tokens, "
        f"basis = excluded.basis{where}"
    )
