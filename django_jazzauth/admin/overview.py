"""Two pages about the store as a whole: its keys, and whether it is sound."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext

from ..errors import JazzAuthError
from ..keys.index_places import columns_on_their_way
from ..keys.models import DataKey, Epoch, IndexRoot
from ..keys.workers import list_workers
from ..management.last_verify import last_verify, remember
from ..store import store
from ..store.checkpoints import newest
from ..store.models import Event
from .wording import explain

MOST_AT_ONCE = 20_000
_SHOWN_PROBLEMS = 100


class _Overview(admin.ModelAdmin):  # type: ignore[type-arg]
    """A page of its own in the place of a list; nothing is added, changed or deleted here."""

    page = ""
    heading = ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Commands make them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Commands change them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Commands remove them."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The page, for those who may view the model."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        alias = self.get_queryset(request).db
        try:
            found = self.facts(request, alias)
        except JazzAuthError as error:
            found = {"problem": explain(error)}
        if isinstance(found, HttpResponse):
            return found
        context = {
            **self.admin_site.each_context(request),
            "title": gettext(self.heading),
            "opts": self.opts,
            **found,
            **(extra_context or {}),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, f"django_jazzauth/admin/{self.page}.html", context)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """There is nothing to see of a single one."""
        raise PermissionDenied

    def history_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As for the form."""
        raise PermissionDenied

    def facts(self, request: HttpRequest, alias: str) -> dict[str, Any] | HttpResponse:
        """What the template shows."""
        raise NotImplementedError


class KeysAdmin(_Overview):
    """Workers and epochs, and how many data keys are under each epoch. Changing is for commands."""

    page = "keys"
    heading = "Keys"

    def facts(self, request: HttpRequest, alias: str) -> dict[str, Any] | HttpResponse:
        """Data keys are counted only when asked for: that reads their whole table."""
        epochs = list(Epoch.objects.using(alias).order_by("-number"))
        counted = "count" in request.GET
        live: dict[Any, int] = {}
        destroyed = 0
        if counted:
            keys = DataKey.objects.using(alias)
            rows = keys.filter(destroyed_at=None).values_list("epoch").annotate(Count("id"))
            live = dict(rows.order_by())
            destroyed = keys.exclude(destroyed_at=None).count()
        total = sum(live.values())
        return {
            "workers": list_workers(alias),
            "epochs": [{"row": epoch, "keys": live.get(epoch.pk, 0)} for epoch in epochs],
            "counted": counted,
            "total": total,
            "covered": live.get(epochs[0].pk, 0) if epochs else 0,
            "destroyed": destroyed,
            "roots": IndexRoot.objects.using(alias).order_by("-generation"),
            "moving": [
                {"name": name, "share": round(100 * share)}
                for name, share in columns_on_their_way(alias).items()
            ],
        }


class IntegrityAdmin(_Overview):
    """The last verification and the newest checkpoint; a small log can be verified from here."""

    page = "integrity"
    heading = "Integrity"

    def facts(self, request: HttpRequest, alias: str) -> dict[str, Any] | HttpResponse:
        """A POST verifies, up to ``MOST_AT_ONCE`` events."""
        last = Event.objects.using(alias).aggregate(last=Max("position"))["last"] or 0
        problems: list[Any] = []
        if request.method == "POST":
            if last > MOST_AT_ONCE:
                messages.error(request, gettext("The log is too long to be verified in a request."))
                return HttpResponseRedirect(request.path)
            report = store.verify(using=alias)
            remember(alias, report)
            problems = report.problems[:_SHOWN_PROBLEMS]
        checkpoint = newest(alias)
        return {
            "verified": last_verify(alias),
            "problems": problems,
            "last_position": last,
            "small": last <= MOST_AT_ONCE,
            "checkpoint": checkpoint,
        }
