"""The blind trigram index as something that is under index keys."""

from __future__ import annotations

from ..conf import get_settings
from .models import TrigramIndex
from .registry import IndexedColumn
from .trigram_tokens import SUFFIX


def trigram_columns() -> list[IndexedColumn]:
    """What the settings have indexed, a key for each field; its tokens move all at once."""
    return [
        IndexedColumn(entity, f"{field}{SUFFIX}", field, ())
        for entity, fields in get_settings().TRIGRAM_INDEX.items()
        for field in fields
    ]


def forget_unconfigured(alias: str) -> None:
    """Note that what the settings do not name any more is not kept in step with its keys."""
    unknown = TrigramIndex.objects.using(alias).exclude(entity__in=get_settings().TRIGRAM_INDEX)
    unknown.update(complete=False)
