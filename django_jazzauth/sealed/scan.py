"""Scans: answering on a table's opened heads what no index can answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from django.db import connections

from ..conf import get_settings
from ..errors import ScanRefused
from ..store.trigram_search import Wanted, candidates
from ..store.trigram_tokens import indexed_fields
from ..store.trigrams import LOOKUPS as TRIGRAM_LOOKUPS
from .binding import Opened, require_binding
from .matching import match
from .projection import pk_param, scan_heads, select_heads

logger = logging.getLogger("django_jazzauth.sealed")


def opened_rows(model: Any, alias: str, what: str, limit: int) -> list[tuple[Any, Opened]]:
    """Every row of a model with its head opened.

    Args:
        model: the event-sourced model.
        alias: database alias.
        what: what needs it and how to do without, for the error.
        limit: the most rows that may be opened.

    Raises:
        ScanRefused: the table has more rows.
    """
    binding = require_binding(model)
    rows = scan_heads(binding, alias, limit + 1)
    if len(rows) > limit:
        raise ScanRefused(f"{what} {model._meta.label} has more than {limit} rows.")
    return [(pk, binding.open(alias, pk, blob)) for pk, blob in rows]


def rows_for_query(compiler: Any, field: Any, lookup: str) -> list[tuple[Any, Opened]]:
    """The opened rows for a lookup: one scan per table and query, logged.

    Raises:
        ScanRefused: the table has more rows than ``JAZZAUTH["SCAN_LIMIT"]``.
    """
    scans = compiler.__dict__.setdefault("sealed_scans", {})
    key = (field.model, compiler.connection.alias)
    if key not in scans:
        advice = _advice(field, lookup)
        scans[key] = opened_rows(
            field.model,
            compiler.connection.alias,
            f"{field}__{lookup} would open every head. {advice} (or raise SCAN_LIMIT).",
            get_settings().SCAN_LIMIT,
        )
        logger.warning("%s__%s opened %d heads. %s.", field, lookup, len(scans[key]), advice)
    return scans[key]  # type: ignore[no-any-return]


def rows_that_may_match(
    model: Any, alias: str, wanted: Sequence[Sequence[Wanted]]
) -> list[tuple[Any, Opened]] | None:
    """The opened rows that may meet every condition, by the trigram index.

    Args:
        model: the event-sourced model.
        alias: database alias.
        wanted: conditions, each a list of alternatives: name of a field, lookup, text.

    Returns:
        The rows; None where the index cannot tell.

    Raises:
        ScanRefused: there are more than ``JAZZAUTH["SCAN_LIMIT"]``.
    """
    binding = require_binding(model)
    if not indexed_fields(binding.entity):
        return None
    streams = candidates(alias, binding.entity, wanted, get_settings().SCAN_LIMIT)
    if streams is None:
        return None
    pks = [binding.pk.to_python(stream.partition("/")[2]) for stream in streams]
    heads = select_heads(binding, alias, pks, current=True)
    # Who is not among them ended a moment ago.
    found = [(pk, heads.get(binding.pk_text(pk))) for pk in pks]
    return [(pk, binding.open(alias, pk, blob)) for pk, blob in found if blob is not None]


def keys_with(
    model: Any, alias: str, names: Sequence[str], parts: Sequence[str]
) -> list[Any] | None:
    """Primary keys of the rows which have every part in one of these fields, by the trigram index.

    Args:
        model: the event-sourced model.
        alias: database alias.
        names: of the fields.
        parts: texts, compared without regard to case.

    Returns:
        The keys; None where the index cannot tell.

    Raises:
        ScanRefused: there are more than ``JAZZAUTH["SCAN_LIMIT"]`` rows to be opened.
    """
    wanted = [[(name, "icontains", part) for name in names] for part in parts]
    rows = rows_that_may_match(model, alias, wanted)
    if rows is None:
        return None
    binding = require_binding(model)
    keys = []
    for pk, opened in rows:
        values = [binding.value(binding.by_name[name], opened.head.state) for name in names]
        if all(any(match("icontains", value, part) for value in values) for part in parts):
            keys.append(pk)
    return keys


def _advice(field: Any, lookup: str) -> str:
    if lookup in ("exact", "in") and not field.searchable:
        return "Declare the field searchable=True to answer it from an index"
    if lookup == "iexact":
        return "Declare the field searchable=True, casefold=True to answer it from an index"
    if lookup in TRIGRAM_LOOKUPS:
        return 'Name the field in JAZZAUTH["TRIGRAM_INDEX"] to answer it from an index'
    return "Narrow it by an exact look-up on a searchable field"


def ranked_rows(field: Any, alias: str) -> list[tuple[Any, int, Any]]:
    """Primary keys, as SQL parameters, with rank and value of the opened field.

    Rows whose value is NULL are left out. Equal values share a rank.

    Raises:
        ScanRefused: the table has more rows than ``JAZZAUTH["ORDER_LIMIT"]``.
    """
    binding = require_binding(field.model)
    rows = opened_rows(
        field.model,
        alias,
        f"Ordering by {field} would open every head. Order by a plain column instead "
        "(or raise ORDER_LIMIT).",
        get_settings().ORDER_LIMIT,
    )
    valued = []
    for pk, opened in rows:
        value = binding.values(opened.head.state)[field.attname]
        if value is not None:
            valued.append((value, pk))
    try:
        ordered = sorted({value for value, _ in valued})
    except TypeError:  # JSON, say
        raise ScanRefused(f"{field} has values without an order; sort in Python.") from None
    ranks = {value: rank for rank, value in enumerate(ordered, 1)}
    connection = connections[alias]
    return [(pk_param(binding, connection, pk), ranks[value], value) for value, pk in valued]
