"""The admin's list of an event-sourced model."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import FieldError
from django.http import HttpRequest

from ..errors import JazzAuthError, ScanRefused
from .loading import load_sound
from .wording import explain

FEW = 1_000
_SHOWN_PROBLEMS = 5


class EventSourcedChangeList(ChangeList):
    """A list that says what is wrong, and shows the rest.

    Rows whose seal is broken are left out and named. What cannot be searched or sorted within the
    limits is refused with a message: an order falls back to the newest key first, a filter to an
    empty list.
    """

    def get_results(self, request: HttpRequest) -> None:
        """Load the page here rather than in the template, where an error could only be a 500."""
        refusals: dict[str, None] = {}
        whole = self.queryset
        for queryset in (whole, whole.order_by("-pk"), self.root_queryset.none()):
            self.queryset = queryset
            try:
                self._settle_few()
                super().get_results(request)
                self._leave_out_broken(request)
            except (ScanRefused, FieldError) as error:
                text = explain(error) if isinstance(error, JazzAuthError) else str(error)
                refusals[text] = None
                continue
            break
        for text in refusals:
            messages.error(request, text)

    def _settle_few(self) -> None:
        """Name the rows of a narrow filter by key, before they are counted and sorted.

        A database that sorts by an index would otherwise walk through it, row by row, until it has
        met a page full of matches: through all of a million when there are three.
        """
        if not self.queryset.query.where:
            return
        keys = list(self.queryset.order_by().values_list("pk", flat=True)[: FEW + 1])
        if len(keys) <= FEW:
            self.queryset = self.queryset.filter(pk__in=dict.fromkeys(keys))

    def _leave_out_broken(self, request: HttpRequest) -> None:
        rows, broken = load_sound(self.result_list)
        if not broken:
            return
        for error in broken[:_SHOWN_PROBLEMS]:
            messages.error(request, explain(error))
        if len(broken) > _SHOWN_PROBLEMS:
            messages.error(request, f"… {len(broken) - _SHOWN_PROBLEMS}")
        self.result_list = self.queryset.filter(pk__in=[row.pk for row in rows])
