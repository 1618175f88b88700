"""Shredding several people at once: an action of the list in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IS_POPUP_VAR
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext, gettext_lazy, ngettext

from ..store import store
from .history import HistoryPages

MOST_AT_ONCE = 100


class ShredAction(HistoryPages):
    """The action, for models whose entities are people and for those who may shred them."""

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        """Django's, and shredding for whoever may."""
        # Django 6.1 says where they are offered; before, there was only one place.
        where = () if action_location is None else (action_location,)
        actions: dict[str, Any] = super().get_actions(request, *where)
        if IS_POPUP_VAR not in request.GET and self._can_shred(request):
            actions["shred_selected"] = self.get_action("shred_selected")
        return actions

    @admin.action(description=gettext_lazy("Shred selected %(verbose_name_plural)s"))
    def shred_selected(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        """Show who was chosen, ask for their number to be typed; then destroy their data keys.

        Each is shredded by itself. If one is refused, those before it are gone and the rest stays,
        and the message says how many.
        """

        def show() -> HttpResponse:
            chosen = list(queryset[: MOST_AT_ONCE + 1])
            if len(chosen) > MOST_AT_ONCE:
                text = gettext("Shred at most %(most)d at once.") % {"most": MOST_AT_ONCE}
                messages.error(request, text)
                return HttpResponseRedirect(self._url("changelist"))
            word = f"shred {len(chosen)}"
            typed = request.POST.get("confirmation", "").strip().casefold()
            if typed == word:
                self._shred_all(request, chosen)
                return HttpResponseRedirect(self._url("changelist"))
            context = {
                "word": word,
                "problem": gettext("That is not it. Nothing was changed.") if typed else "",
                "people": [(each.pk, self.shred_word(each)) for each in chosen],
                "checkbox": ACTION_CHECKBOX_NAME,
            }
            return self._page(request, "shred_selected", gettext("Forget for good?"), context)

        return self.on_record(request, show)

    def _shred_all(self, request: HttpRequest, chosen: list[Any]) -> None:
        count = 0
        try:
            for instance in chosen:
                store.shred(instance)
                count += 1
        finally:
            if count:
                text = ngettext(
                    "%(count)d was shredded: nothing of it opens any more.",
                    "%(count)d were shredded: nothing of them opens any more.",
                    count,
                )
                messages.success(request, text % {"count": count})
