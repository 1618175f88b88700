"""The admin's search box: from an index, unless a scan is asked for.

What is typed is looked up whole, by the indexes of searchable fields. ``scan: …`` looks for parts
of texts: it opens the rows that the filters leave, up to ``JAZZAUTH["SCAN_LIMIT"]`` of them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import lookup_spawns_duplicates
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist, ValidationError
from django.db.models import CharField, Q, TextField
from django.db.models.constants import LOOKUP_SEP
from django.utils.text import smart_split, unescape_string_literal
from django.utils.translation import gettext

from ..conf import get_settings
from ..errors import ScanRefused
from ..sealed import SealedFieldMixin
from ..sealed.binding import binding_of
from ..sealed.scan import keys_with
from ..store.trigram_tokens import indexed_fields
from .loading import load_sound

logger = logging.getLogger("django_jazzauth.admin")

SCAN_PREFIX = "scan:"
MATCH_LIMIT = 5_000
_PREFIXES = {"^": "istartswith", "=": "iexact", "@": "search"}


@dataclass(frozen=True, slots=True)
class _Path:
    """One of ``search_fields``, taken apart.

    Attributes:
        relations: names of the relations that lead to the field.
        field: the field.
        lookup: the lookup that is asked for; empty if none is.
    """

    relations: tuple[str, ...]
    field: Any
    lookup: str

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.relations, self.field.name)


def search(
    queryset: Any, search_fields: Sequence[str], scan_fields: Sequence[str], text: str
) -> tuple[Any, bool]:
    """Narrow a queryset to what was typed.

    Args:
        queryset: of an event-sourced model, filtered already.
        search_fields: as in ``ModelAdmin.search_fields``. A sealed field that is not searchable is
            looked into by a scan only.
        scan_fields: further fields that a scan looks into.
        text: what was typed.

    Returns:
        The queryset, and whether rows may come twice.

    Raises:
        ScanRefused: a scan was asked for, and there are too many rows or matches.
    """
    model = queryset.model
    paths = list(_paths(model, search_fields))
    if not text.strip() or not paths:
        return queryset, False
    prefix, rest = text.lstrip()[: len(SCAN_PREFIX)], text.lstrip()[len(SCAN_PREFIX) :]
    if prefix.lower() == SCAN_PREFIX:
        paths += _paths(model, scan_fields)
        texts = dict.fromkeys(path.names for path in paths if _is_text(path.field))
        return _scanned(queryset, list(texts), _bits(rest)), False
    bits = _bits(text)
    indexed = _paths_in_index([*paths, *_paths(model, scan_fields)])
    found = _rows_with_parts(indexed, bits, queryset.db)
    for bit in bits:
        conditions = [made for path in paths if (made := _condition(path, bit)) is not None]
        if not conditions and not found:
            return queryset.none(), False
        queryset = queryset.filter(Q.create([*conditions, *found], connector=Q.OR))
    return queryset, any(lookup_spawns_duplicates(model._meta, "__".join(p.names)) for p in paths)


def help_text(model: Any, search_fields: Sequence[str], scan_fields: Sequence[str]) -> str:
    """What to type, for below the search box."""
    indexed = _paths_in_index([*_paths(model, search_fields), *_paths(model, scan_fields)])
    if parts := [str(path.field.verbose_name) for paths in indexed.values() for path in paths]:
        return gettext(
            "Finds parts of %(fields)s, of three characters or more. To look for a part of another "
            "text, begin with “scan:”: that opens every row which the filters leave, %(limit)s at "
            "most."
        ) % {"fields": " / ".join(dict.fromkeys(parts)), "limit": get_settings().SCAN_LIMIT}
    names = [
        str(path.field.verbose_name)
        for path in _paths(model, search_fields)
        if not isinstance(path.field, SealedFieldMixin) or path.field.searchable
    ]
    return gettext(
        "Finds a whole %(fields)s. To look for a part of a text, begin with “scan:”, for example "
        "“scan: meier”: that opens every row which the filters leave, %(limit)s at most."
    ) % {"fields": " / ".join(dict.fromkeys(names)), "limit": get_settings().SCAN_LIMIT}


def _bits(text: str) -> list[str]:
    bits = []
    for bit in smart_split(text):
        if bit.startswith(('"', "'")) and bit[0] == bit[-1] and len(bit) > 1:
            bit = unescape_string_literal(bit)
        bits.append(bit)
    return bits


def _paths(model: Any, names: Iterable[str]) -> Iterator[_Path]:
    for name in names:
        lookup = _PREFIXES.get(name[:1], "")
        relations: list[str] = []
        opts = model._meta
        field = None
        for part in name[1 if lookup else 0 :].split(LOOKUP_SEP):
            try:
                field = opts.pk if part == "pk" else opts.get_field(part)
            except FieldDoesNotExist:
                lookup = part
                break
            if field.is_relation:
                relations.append(part)
                opts = field.path_infos[-1].to_opts
        if field is not None:
            if field.is_relation:
                relations.pop()
            yield _Path(tuple(relations), field, lookup)


def _condition(path: _Path, bit: str) -> Any:
    """What finds ``bit`` without opening a head; None if nothing does."""
    if not isinstance(path.field, SealedFieldMixin):
        return _plain_condition(path, bit)
    lookup = _indexed_lookup(path)
    if lookup is None:
        return None
    if not path.relations:
        return (f"{path.field.name}__{lookup}", bit)
    # Found in its own table first, by its own index: an OR over two tables could use neither.
    keys = path.field.model._base_manager.filter(**{f"{path.field.name}__{lookup}": bit})
    found = list(keys.values_list("pk", flat=True)[:MATCH_LIMIT])
    return ("__".join((*path.relations, "in")), found)


def _paths_in_index(paths: Sequence[_Path]) -> dict[tuple[str, ...], list[_Path]]:
    """The paths whose parts the trigram index finds, by the relations that lead to them."""
    found: dict[tuple[str, ...], list[_Path]] = {}
    for path in paths:
        binding = binding_of(path.field.model)
        if binding is not None and path.field.name in indexed_fields(binding.entity):
            found.setdefault(path.relations, []).append(path)
    return found


def _rows_with_parts(
    indexed: dict[tuple[str, ...], list[_Path]], bits: list[str], alias: str
) -> list[Any]:
    """What finds rows that have all of ``bits`` in their texts, by the trigram index.

    Raises:
        ScanRefused: too many have them.
    """
    conditions = []
    for relations, paths in indexed.items():
        names = list(dict.fromkeys(path.field.name for path in paths))
        keys = keys_with(paths[0].field.model, alias, names, bits)
        if keys is None:
            continue  # too short, or the index is not complete
        if len(keys) > MATCH_LIMIT:
            raise ScanRefused(f"More than {MATCH_LIMIT} rows match. Type more of the text.")
        conditions.append(("__".join((*(relations or ("pk",)), "in")), keys))
    return conditions


def _indexed_lookup(path: _Path) -> str | None:
    field = path.field
    if not field.searchable:
        return None
    if path.lookup in ("", "iexact"):
        return "iexact" if field.casefold else "exact"
    return path.lookup if path.lookup in ("exact", "in") else None


def _is_text(field: Any) -> bool:
    return isinstance(field, CharField | TextField | SealedFieldMixin)


def _plain_condition(path: _Path, bit: str) -> Any:
    name = "__".join(path.names)
    if _is_text(path.field):
        return (f"{name}__{path.lookup or 'icontains'}", bit)
    try:
        return (f"{name}__{path.lookup or 'exact'}", path.field.to_python(bit))
    except (ValidationError, ValueError, TypeError):
        return None


def _scanned(queryset: Any, paths: list[tuple[str, ...]], bits: list[str]) -> Any:
    limit = get_settings().SCAN_LIMIT
    rows = queryset.order_by()
    if len(rows.values_list("pk", flat=True)[: limit + 1]) > limit:
        raise ScanRefused(
            f"This scan would open more than {limit} rows. Narrow it with the filters first, "
            "search for the whole text without “scan:”, or raise SCAN_LIMIT."
        )
    related = ["__".join(path[:-1]) for path in paths if len(path) > 1]
    sound, broken = load_sound(rows.select_related(*related) if related else rows)
    logger.warning(
        "a search in the admin opened %d heads of %s",
        len(sound) + len(broken),
        queryset.model._meta.label,
    )
    wanted = [bit.casefold() for bit in bits]
    found = [row.pk for row in sound if _matches(row, paths, wanted)]
    if len(found) > MATCH_LIMIT:
        raise ScanRefused(f"More than {MATCH_LIMIT} rows match. Type more of the text.")
    return queryset.filter(pk__in=found)


def _matches(row: Any, paths: list[tuple[str, ...]], wanted: list[str]) -> bool:
    texts = [text for path in paths if (text := _text(row, path))]
    return all(any(bit in text for text in texts) for bit in wanted)


def _text(row: Any, path: tuple[str, ...]) -> str:
    value = row
    for name in path:
        try:
            value = getattr(value, name)
        except (AttributeError, ObjectDoesNotExist):
            return ""
        if value is None:
            return ""
    return str(value).casefold()
