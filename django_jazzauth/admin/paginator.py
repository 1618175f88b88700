"""Pages of a list too long to be counted."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.utils.translation import gettext

from .loading import load_sound

COUNT_LIMIT = 10_000


class AtLeast(int):
    """The number at which counting stopped, shown as “more than 10000”.

    A number, because the admin's templates calculate with it.
    """

    def __str__(self) -> str:
        digits = int.__repr__(self)
        if settings.USE_THOUSAND_SEPARATOR:
            return digits  # Django cuts the text into groups of three characters
        return gettext("more than %(count)s") % {"count": digits}


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts up to ``limit`` rows, whatever the size of the table; pages end there.

    ``COUNT(*)`` reads a whole table or index. Here the database stops after ``limit`` rows.
    """

    limit = COUNT_LIMIT

    @cached_property
    def count(self) -> int:
        """How many there are; an ``AtLeast`` when there are more than ``limit``."""
        rows: Any = self.object_list
        if not hasattr(rows, "order_by"):
            return len(rows)
        if rows.query.is_sliced:
            return int(rows.count())
        found = int(rows.order_by()[: self.limit + 1].count())
        return AtLeast(self.limit) if found > self.limit else found


class SoundPaginator(CappedPaginator):
    """Leaves broken rows out of its pages, for answers that have no room for messages."""

    def _get_page(self, object_list: Any, number: int, paginator: Any) -> Page[Any]:
        sound, _broken = load_sound(object_list)
        return Page(sound, number, paginator)
