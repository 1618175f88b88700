"""Pages of the log in the admin: an object's history, what was deleted, shredding."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext, ngettext

from ..errors import JazzAuthError
from ..management.secrecy import is_sealed
from ..management.timeline import Entry, actor_names, timeline
from ..permissions import may
from ..store import acting, store
from ..store.deleted import deleted_entities
from ..store.journal import REVEALED
from ..store.registry import projector_of
from .wording import explain

if TYPE_CHECKING:
    _Base = admin.ModelAdmin[Any]
else:
    _Base = object

SHOWN_EVENTS = 200
_PER_PAGE = 50


class HistoryPages(_Base):
    """The part of ``EventSourcedAdminMixin`` that looks back, brings back, and forgets.

    Values of sealed fields, addresses and browsers are hidden until somebody with the permission
    ``reveal_<model>`` asks for them; that they did is an event of the object itself. Restoring
    takes ``restore_<model>``, shredding ``shred_<model>``. Superusers have all three.
    """

    on_record: Callable[..., HttpResponse]
    get_secret_fields: Callable[[], frozenset[str]]

    object_history_template = "django_jazzauth/admin/object_history.html"
    change_list_template = "django_jazzauth/admin/change_list.html"

    def get_urls(self) -> list[Any]:
        """Django's, with the pages of the log."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        wrap = self.admin_site.admin_view
        return [
            path("deleted/", wrap(self.deleted_view), name=f"{name}_deleted"),
            path("<path:object_id>/restore/", wrap(self.restore_view), name=f"{name}_restore"),
            path("<path:object_id>/shred/", wrap(self.shred_view), name=f"{name}_shred"),
            *super().get_urls(),
        ]

    # -- history ----------------------------------------------------------------------------------

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Django's log entries, and the log's own account above them."""
        view = super().history_view

        def show() -> HttpResponse:
            context = {**self.history_context(request, object_id), **(extra_context or {})}
            return view(request, object_id, context)

        return self.on_record(request, show)

    def history_context(self, request: HttpRequest, object_id: str) -> dict[str, Any]:
        """What the history page shows of the log: the newest events, newest first.

        A POST with ``reveal`` shows what is hidden, after it has been noted.

        Raises:
            PermissionDenied: the user may not reveal.
        """
        instance = self.get_object(request, unquote(object_id))
        if instance is None or not self.has_view_or_change_permission(request, instance):
            return {}
        allowed = may(request.user, "reveal", self.model)
        revealed = request.method == "POST" and "reveal" in request.POST
        alias = instance._state.db or "default"
        if revealed:
            if not allowed:
                raise PermissionDenied
            with acting(revealed="history"):
                projector_of(self.model).note(alias, instance.pk, REVEALED)
        return {
            **self.timeline_context(instance.pk, alias, revealed),
            "may_reveal": allowed,
            "may_shred": self._can_shred(request),
            "shred_url": self._url("shred", instance.pk),
        }

    def timeline_context(self, pk: Any, alias: str, revealed: bool) -> dict[str, Any]:
        """The events of an entity for the templates."""
        entries: list[Entry] = []
        problem = ""
        try:
            entries = timeline(
                store.history(self.model, pk=pk, using=alias),
                self.model,
                using=alias,
                also_secret=self.get_secret_fields(),
            )
        except JazzAuthError as error:
            problem = explain(error)
        sealed = {field.name for field in self.model._meta.get_fields() if is_sealed(field)}
        return {
            "timeline": entries[: -SHOWN_EVENTS - 1 : -1],
            "timeline_older": max(0, len(entries) - SHOWN_EVENTS),
            "timeline_problem": problem,
            "timeline_stream": projector_of(self.model).stream(pk),
            "timeline_sealed": set() if revealed else sealed,
            "revealed": revealed,
        }

    # -- what was deleted -------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Django's, with a way to what was deleted."""
        context = {
            "deleted_url": self._url("deleted") if self._can_restore(request) else "",
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def deleted_view(self, request: HttpRequest) -> HttpResponse:
        """What was deleted, the latest first: when and by whom. Names are sealed, so not shown."""
        if not self._can_restore(request):
            raise PermissionDenied

        def show() -> HttpResponse:
            given = request.GET.get("before", "")
            before = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
            alias = self.get_queryset(request).db
            part = deleted_entities(alias, projector_of(self.model), before=before, limit=_PER_PAGE)
            names = actor_names(
                {str(g.cause["actor"]) for g in part.gone if "actor" in g.cause}, alias
            )
            rows = [
                {
                    "gone": gone,
                    "who": names.get(gone.cause.get("actor", ""), gone.cause.get("actor", "")),
                    "via": gone.cause.get("via", ""),
                    "url": self._url("restore", gone.key),
                }
                for gone in part.gone
            ]
            return self._page(
                request,
                "deleted",
                gettext("Deleted %(name)s") % {"name": self.opts.verbose_name_plural},
                {"rows": rows, "before": part.before, "first": before is None},
            )

        return self.on_record(request, show)

    def restore_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, with the history; then bring back what was deleted, with all deleted along."""
        if not self._can_restore(request):
            raise PermissionDenied
        projector = projector_of(self.model)
        try:
            key = projector.key(f"{projector.entity}/{unquote(object_id)}")
        except (ValidationError, ValueError):
            raise Http404 from None

        def show() -> HttpResponse:
            alias = self.get_queryset(request).db
            if request.method == "POST":
                found = store.restore_all(self.model, key, using=alias)
                count = len(found.streams) - 1
                self.log_change(request, found.instance, gettext("Restored."))
                text = gettext("%(stream)s is back.") % {"stream": found.streams[0]}
                if count:
                    text += (
                        " "
                        + ngettext(
                            "%d object that was deleted along with it is back too.",
                            "%d objects that were deleted along with it are back too.",
                            count,
                        )
                        % count
                    )
                messages.success(request, text)
                return HttpResponseRedirect(self._url("change", found.instance.pk))
            context = self.timeline_context(key, alias, revealed=False)
            title = gettext("Restore %(stream)s?") % {"stream": context["timeline_stream"]}
            return self._page(request, "restore", title, context)

        return self.on_record(request, show)

    # -- forgetting -------------------------------------------------------------------------------

    def shred_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the e-mail (or the key) to be typed; then destroy the person's data key."""
        if not self._can_shred(request):
            raise PermissionDenied

        def show() -> HttpResponse:
            instance = self.get_object(request, unquote(object_id))
            if instance is None:
                messages.warning(request, gettext("It does not exist, or was deleted already."))
                return HttpResponseRedirect(self._url("changelist"))
            wanted = self.shred_word(instance)
            problem = ""
            if request.method == "POST":
                typed = request.POST.get("confirmation", "").strip()
                if typed.casefold() == wanted.casefold():
                    receipt = store.shred(instance)
                    text = gettext("%(stream)s was shredded: nothing of it opens any more.")
                    messages.success(request, text % {"stream": receipt.stream})
                    return HttpResponseRedirect(self._url("changelist"))
                problem = gettext("That is not it. Nothing was changed.")
            context = {
                "word": wanted,
                "problem": problem,
                "stream": projector_of(self.model).stream(instance.pk),
            }
            return self._page(request, "shred", gettext("Forget for good?"), context)

        return self.on_record(request, show)

    def shred_word(self, instance: Any) -> str:
        """What has to be typed before somebody is shredded: the e-mail, else the primary key."""
        get_name = getattr(type(instance), "get_email_field_name", None)
        email = getattr(instance, get_name(), "") if get_name is not None else ""
        return str(email or instance.pk)

    # -- within -----------------------------------------------------------------------------------

    def _can_restore(self, request: HttpRequest) -> bool:
        return getattr(self.model, "sealed_restorable", True) and may(
            request.user, "restore", self.model
        )

    def _can_shred(self, request: HttpRequest) -> bool:
        # What belongs to a person is sealed under that person's key.
        head = self.model._meta.sealed_head
        return head.subject is None and may(request.user, "shred", self.model)

    def _url(self, page: str, *args: Any) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=args, current_app=self.admin_site.name)

    def _page(
        self, request: HttpRequest, name: str, title: str, context: dict[str, Any]
    ) -> TemplateResponse:
        request.current_app = self.admin_site.name
        everything = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "changelist_url": self._url("changelist"),
            "deleted_url": self._url("deleted"),
            **context,
        }
        return TemplateResponse(request, f"django_jazzauth/admin/{name}.html", everything)
