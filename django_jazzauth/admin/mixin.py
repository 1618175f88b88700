"""What the admin of any event-sourced model needs besides Django's ``ModelAdmin``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.admin.widgets import ForeignKeyRawIdWidget, ManyToManyRawIdWidget
from django.core.exceptions import FieldDoesNotExist
from django.db import IntegrityError
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import SimpleTemplateResponse
from django.urls import reverse
from django.utils.translation import gettext

from ..errors import JazzAuthError, ScanRefused
from ..management.secrecy import secret_fields
from ..request_cause import cause_of
from ..store import acting
from .changelist import EventSourcedChangeList
from .logentries import change_message, write_entries
from .ordering import plain_ordering
from .paginator import AtLeast, CappedPaginator, SoundPaginator
from .search import help_text, search
from .shredding import ShredAction
from .wording import explain


class EventSourcedAdminMixin(ShredAction):
    """Put it before ``ModelAdmin``: ``class PatientAdmin(EventSourcedAdminMixin, ModelAdmin)``.

    * Lists stay fast on a million rows: nothing is counted beyond ``CappedPaginator.limit``, and
      searching uses indexes only, unless ``scan: …`` is typed (see ``admin.search``).
    * Every change records who made it, and that it came through the admin.
    * The history page shows the log: who, when, field by field; what was deleted can be brought
      back, and who is to be forgotten shredded (see ``admin.history``).
    * A broken seal, a refused search or a lost race is a message, never a server error.
    * Django's own log names objects by kind and primary key, since its table is not sealed.
    * References to event-sourced models are typed in, not chosen from a list of everybody.

    Attributes:
        scan_fields: fields that a scan looks into besides ``search_fields``.
        secret_fields: fields that are never shown or searched, besides those that
            ``management.secrecy`` knows by their names.
    """

    scan_fields: Sequence[str] = ()
    secret_fields: Sequence[str] = ()

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    # -- lists ------------------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[EventSourcedChangeList]:
        """The list that leaves out and names what is broken."""
        return EventSourcedChangeList

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Django's, with a help text that says what can be searched."""
        changes = super().get_changelist_instance(request)
        fields = self.get_search_fields(request)
        if fields and not changes.search_help_text:
            names = [str(field) for field in fields]
            changes.search_help_text = help_text(self.model, names, self._open_scan_fields())
        return changes

    def get_ordering(self, request: HttpRequest) -> Any:
        """As declared; never by a sealed field unless the admin itself says so."""
        declared = super().get_ordering(request)
        return declared or plain_ordering(self.model)

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """By indexes, or by a scan if one is asked for; if it is refused, a message says so."""
        fields = [str(field) for field in self.get_search_fields(request)]
        try:
            return search(queryset, fields, self._open_scan_fields(), search_term)
        except ScanRefused as error:
            messages.error(request, explain(error))
            return queryset.none(), False

    def _open_scan_fields(self) -> list[str]:
        secret = self.get_secret_fields()
        return [name for name in self.scan_fields if name not in secret]

    def get_paginator(self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any) -> Any:
        """The declared one; for autocompletion one that leaves broken rows out silently."""
        match = request.resolver_match
        if match is not None and match.url_name == "autocomplete":
            return SoundPaginator(queryset, *args, **kwargs)
        return super().get_paginator(request, queryset, *args, **kwargs)

    def response_action(
        self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """As Django's, but “all” must be few enough to have been counted."""
        across = request.POST.get("select_across") == "1"
        if across and isinstance(self.get_paginator(request, queryset, 1).count, AtLeast):
            text = gettext("These are too many to act on at once. Narrow the list first.")
            messages.error(request, text)
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset, *args, **kwargs)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Refuse to filter by secrets: answers would give them away letter by letter."""
        model = self.model
        for part in lookup.split(LOOKUP_SEP):
            if part in secret_fields(model) or (model is self.model and part in self.secret_fields):
                return False
            try:
                field = model._meta.get_field(part)
            except FieldDoesNotExist:
                break
            model = field.related_model or model
        return bool(super().lookup_allowed(lookup, value, request))  # type: ignore[arg-type]

    def get_secret_fields(self) -> frozenset[str]:
        """Names of the fields whose values this admin never shows."""
        return secret_fields(self.model) | frozenset(self.secret_fields)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A reference to an event-sourced model is typed in: a list of all would open them all."""
        listed = (*self.get_autocomplete_fields(request), *self.radio_fields)
        if _is_event_sourced(db_field.remote_field.model) and db_field.name not in listed:
            kwargs.setdefault(
                "widget",
                ForeignKeyRawIdWidget(
                    db_field.remote_field, self.admin_site, using=kwargs.get("using")
                ),
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """As for a single reference."""
        chosen = (*self.filter_horizontal, *self.filter_vertical)
        listed = (*self.get_autocomplete_fields(request), *chosen)
        if _is_event_sourced(db_field.remote_field.model) and db_field.name not in listed:
            kwargs.setdefault(
                "widget",
                ManyToManyRawIdWidget(
                    db_field.remote_field, self.admin_site, using=kwargs.get("using")
                ),
            )
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """An empty text stays NULL where it was: saving a form changes nothing by itself."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.null and isinstance(field, forms.CharField):
            field.empty_value = None
        return field

    # -- views ------------------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Django's, on the record and without server errors."""
        view = super().changelist_view
        return self.on_record(request, lambda: view(request, extra_context), "admin:index")

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """Django's, on the record and without server errors."""
        view = super().changeform_view
        return self.on_record(request, lambda: view(request, object_id, form_url, extra_context))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Django's, on the record and without server errors."""
        view = super().delete_view
        return self.on_record(request, lambda: view(request, object_id, extra_context))

    def on_record(
        self, request: HttpRequest, view: Callable[[], HttpResponse], back: str = ""
    ) -> HttpResponse:
        """Run a view as the signed-in user; what the store refuses becomes a message.

        Args:
            request: the request.
            view: makes the response.
            back: name of the page to go to after a refusal; by default the list.
        """
        cause = {**cause_of(request), "actor": str(request.user.pk), "auth_mode": "admin"}
        with acting(**{**cause, "via": "admin"}):
            try:
                response = view()
                if isinstance(response, SimpleTemplateResponse):
                    # Templates load what they show; here that can still become a message.
                    response.render()
                return response
            except JazzAuthError as error:
                text = explain(error)
            except IntegrityError:
                text = gettext(
                    "Nothing was saved: somebody else was faster, and holds a value that must be "
                    "unique."
                )
        messages.error(request, text)
        return HttpResponseRedirect(
            reverse(
                back or f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist",
                current_app=self.admin_site.name,
            )
        )

    # -- Django's own log -------------------------------------------------------------------------

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[dict[str, Any]]:
        """Names of fields only."""
        return change_message(form, formsets, add)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        """An entry that names the object by kind and key."""
        return write_entries(request.user.pk, [obj], ADDITION, message)[0]

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        """An entry that names the object by kind and key."""
        return write_entries(request.user.pk, [obj], CHANGE, message)[0]

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Entries that name the objects by kind and key."""
        return write_entries(request.user.pk, queryset, DELETION)


def _is_event_sourced(model: Any) -> bool:
    return getattr(model._meta, "sealed_head", None) is not None
