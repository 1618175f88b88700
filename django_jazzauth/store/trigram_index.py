"""The blind trigram index: which entities may contain a text, without opening all their heads.

Opt-in by ``JAZZAUTH["TRIGRAM_INDEX"]``. One row per entity holds the tokens of its texts; it is a
projection like any other, written with the event and made again by ``rebuild``. What it finds are
candidates: whoever asks opens their heads and compares.

On PostgreSQL a GIN index finds the rows. SQLite and MariaDB read this one narrow table from end to
end, which takes about 0.2 µs a row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import connections, transaction

from ..conf import get_settings
from ..drivers import as_octets, execute_all, is_among
from ..errors import ScanRefused
from ..keys.keyring import keyring
from .models import TRIGRAM_TABLE, TrigramIndex
from .registry import Projector, projector_for, projectors
from .sealing import State
from .trigrams import LOOKUPS, TOKEN_BYTES, terms_for, terms_of, tokens_of

BATCH = 500
SUFFIX = ":trigrams"
"""Behind a field's name, in the name that the key of its tokens is derived with."""
_UNKNOWN = object()

Progress = Callable[[str, int], None]
Wanted = tuple[str, str, str]
"""Field, lookup, text."""
Followed = tuple[str, int, str, State | None, State | None]


def indexed_fields(entity: str) -> tuple[str, ...]:
    """The fields whose parts can be searched; none without an entry in the settings."""
    return get_settings().TRIGRAM_INDEX.get(entity, ())


def complaint() -> str | None:
    """What is wrong with ``TRIGRAM_INDEX``; ``None`` if every name is a sealed text field's."""
    known = {projector.entity: projector.text_fields() for projector in projectors()}
    for entity, fields in get_settings().TRIGRAM_INDEX.items():
        if entity not in known:
            return (
                f'JAZZAUTH["TRIGRAM_INDEX"]: no installed model has the entity name {entity!r}. '
                f"There are {', '.join(sorted(known))}."
            )
        for field in fields:
            if field not in known[entity]:
                return (
                    f'JAZZAUTH["TRIGRAM_INDEX"]: {field!r} is no sealed text of {entity}. There '
                    f"are {', '.join(known[entity]) or 'none'}."
                )
    return None


def is_complete(alias: str, entity: str) -> bool:
    """Whether every entity is in the index with the fields that the settings name now."""
    fields = indexed_fields(entity)
    if not fields:
        return False
    found = TrigramIndex.objects.using(alias).filter(entity=entity, complete=True).first()
    return found is not None and found.fields == _listed(entity, fields)


def candidates(
    alias: str, entity: str, wanted: Sequence[Sequence[Wanted]], limit: int
) -> list[str] | None:
    """Streams of the entities which may meet every condition.

    Args:
        alias: database alias.
        entity: stable name of the model.
        wanted: conditions, each a list of alternatives: field, lookup and text.
        limit: streams at most.

    Returns:
        The streams; None where the index cannot tell, and everything must be looked at.

    Raises:
        ScanRefused: there are more.
    """
    clauses = [_clause(alias, entity, alternatives) for alternatives in wanted]
    narrowing = [clause for clause in clauses if clause]
    if not narrowing or not is_complete(alias, entity):
        return None
    connection = connections[alias]
    condition, params = _condition(connection.vendor, narrowing)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT stream FROM {TRIGRAM_TABLE} WHERE {condition} "  # noqa: S608 - constant
            f"LIMIT {int(limit) + 1}",
            params,
        )
        streams = [row[0] for row in cursor.fetchall()]
    if len(streams) > limit:
        raise ScanRefused(
            f"More than {limit} entities may contain that text. Look for more of it (or raise "
            "SCAN_LIMIT)."
        )
    prefix = f"{entity}/"
    return [stream for stream in streams if stream.startswith(prefix)]


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
    basis = _basis(alias, entity, _schema(entity) if schema is None else schema)
    rows = [
        (stream, _stored(connection.vendor, _tokens(alias, entity, state)), basis)
        for stream, state in states
    ]
    execute_all(connection, _upsert(connection.vendor, fill), rows)


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
            entity=entity, defaults={"fields": _listed(entity, fields), "complete": False}
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


def clear(alias: str) -> None:
    """Empty the index before ``rebuild`` fills it."""
    with connections[alias].cursor() as cursor:
        cursor.execute(f"DELETE FROM {TRIGRAM_TABLE}")  # noqa: S608 - constant
    TrigramIndex.objects.using(alias).all().delete()


def completed(alias: str, entity: str) -> None:
    """Note that every entity of a kind has been written."""
    if fields := indexed_fields(entity):
        TrigramIndex.objects.using(alias).update_or_create(
            entity=entity, defaults={"fields": _listed(entity, fields), "complete": True}
        )


def differing(alias: str, entity: str, states: Mapping[str, State]) -> Iterator[str]:
    """Streams whose tokens are not those of their state.

    None where the index is not complete, or some rows are under new keys already.
    """
    if not states or not is_complete(alias, entity) or _is_moving(alias, entity):
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
    basis = _basis(alias, entity, _schema(entity))
    for stream, state in states.items():
        expected = _stored(connection.vendor, _tokens(alias, entity, state))
        tokens, written_under = found.get(stream, (None, None))
        if connection.vendor != "postgresql":
            tokens = as_octets(tokens)
        if tokens != expected or written_under != basis:
            yield stream


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


def _is_moving(alias: str, entity: str) -> bool:
    return any(len(_live(alias, entity, field)) > 1 for field in indexed_fields(entity))


def _live(alias: str, entity: str, field: str) -> Any:
    return keyring(alias).index_ciphers(entity, f"{field}{SUFFIX}")


def _tokens(alias: str, entity: str, state: State) -> list[int]:
    found: set[int] = set()
    for field in indexed_fields(entity):
        value = state.get(field)
        if isinstance(value, str) and value:
            cipher = keyring(alias).writing_cipher(entity, f"{field}{SUFFIX}")
            found |= tokens_of(cipher, terms_of(value))
    return sorted(found)


def _schema(entity: str) -> int:
    projector = projector_for(entity)
    return 0 if projector is None else projector.schema


def _basis(alias: str, entity: str, schema: int) -> int:
    """A number for what tokens are made with: schema, fields, and the generation of their keys."""
    fields = indexed_fields(entity)
    ciphers = [keyring(alias).writing_cipher(entity, f"{field}{SUFFIX}") for field in fields]
    numbers = [str(cipher.generation) for cipher in ciphers]
    text = ",".join((str(schema), *fields, *numbers))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


def _listed(entity: str, fields: Sequence[str]) -> str:
    # With the schema: an upcaster may give a field another text than its tokens were made of.
    return f"{_schema(entity)}:{','.join(fields)}"


def _stored(vendor: str, tokens: list[int]) -> Any:
    if vendor == "postgresql":
        return [token - 0x8000 for token in tokens]  # its small integers have a sign
    return _packed(tokens)


def _packed(tokens: Iterable[int]) -> bytes:
    return b"".join(token.to_bytes(TOKEN_BYTES) for token in tokens)


def _clause(alias: str, entity: str, alternatives: Sequence[Wanted]) -> list[set[int]]:
    """The tokens of each alternative; nothing if one has none, so that any row may meet it."""
    indexed = indexed_fields(entity)
    found = []
    for field, lookup, text in alternatives:
        terms = terms_for(lookup, text) if lookup in LOOKUPS else set()
        if field not in indexed or not terms:
            return []
        # A row was written under one generation of the keys; which one is not known here.
        found += [tokens_of(cipher, terms) for cipher in _live(alias, entity, field)]
    return found


def _condition(vendor: str, clauses: Sequence[list[set[int]]]) -> tuple[str, list[Any]]:
    found = [_either(vendor, clause) for clause in clauses]
    params = [param for _, params in found for param in params]
    return " AND ".join(f"({sql})" for sql, _ in found), params


def _either(vendor: str, alternatives: list[set[int]]) -> tuple[str, list[Any]]:
    parts: list[str] = []
    params: list[Any] = []
    for tokens in alternatives:
        if vendor == "postgresql":
            parts.append("tokens @> %s::smallint[]")
            params.append([token - 0x8000 for token in sorted(tokens)])
            continue
        # A token may also be found across two others: one head more that is opened in vain.
        function = "instr(tokens, %s) > 0"
        parts.append(f"({' AND '.join([function] * len(tokens))})")
        params += [token.to_bytes(TOKEN_BYTES) for token in sorted(tokens)]
    return " OR ".join(parts), params


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
