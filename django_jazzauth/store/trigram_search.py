"""Looking in the trigram index: which entities may contain a text.

On PostgreSQL a GIN index finds the rows. SQLite and MariaDB read this one narrow table from end to
end, which takes about 0.2 µs a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections

from ..errors import ScanRefused
from .models import TRIGRAM_TABLE
from .trigram_index import is_complete
from .trigram_tokens import indexed_fields, live_ciphers, stored
from .trigrams import LOOKUPS, TOKEN_BYTES, terms_for, tokens_of

Wanted = tuple[str, str, str]
"""Field, lookup, text."""


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


def _clause(alias: str, entity: str, alternatives: Sequence[Wanted]) -> list[set[int]]:
    """The tokens of each alternative; nothing if one has none, so that any row may meet it."""
    indexed = indexed_fields(entity)
    found = []
    for field, lookup, text in alternatives:
        terms = terms_for(lookup, text) if lookup in LOOKUPS else set()
        if field not in indexed or not terms:
            return []
        # A row was written under one generation of the keys; which one is not known here.
        found += [tokens_of(cipher, terms) for cipher in live_ciphers(alias, entity, field)]
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
            params.append(stored(vendor, sorted(tokens)))
            continue
        # A token may also be found across two others: one head more that is opened in vain.
        function = "instr(tokens, %s) > 0"
        parts.append(f"({' AND '.join([function] * len(tokens))})")
        params += [token.to_bytes(TOKEN_BYTES) for token in sorted(tokens)]
    return " OR ".join(parts), params
